// highlight.js takes the "#" of `.#image` for the start of a comment. In a shell, a comment starts after a space.
for (const comment of document.querySelectorAll("code:is(.language-sh, .language-console) .hljs-comment")) {
  const before = comment.previousSibling?.textContent ?? "\n";
  if (!/\s$/.test(before)) comment.replaceWith(comment.textContent);
}
