// highlight.js takes the "#" of `.#image` for the start of a comment, and the "set" of `--set-platform` for a command. In a
// shell, both start after a space.
for (const token of document.querySelectorAll("code:is(.language-sh, .language-console) :is(.hljs-comment, .hljs-built_in, .hljs-keyword)")) {
  const before = token.previousSibling?.textContent ?? "\n";
  if (!/\s$/.test(before)) token.replaceWith(token.textContent);
}
