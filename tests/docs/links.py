"""Follows every link of every document in a tree: to files, to headings, to this project on GitHub. Others only have to
look like addresses, as there may be no network: links.py TREE

Not mdbook-linkcheck or lychee: the first knows the book alone, and not README.md or the examples, and both take longer
to build than everything else here.
"""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

tree = Path(sys.argv[1]).resolve()
project = re.compile(r"https://github\.com/polyarch/polyarch/(?:tree|blob|edit)/main/(.*)")
listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=tree, capture_output=True, text=True, check=True)
# The section for the manual of nixpkgs links to other sections of that manual.
manual = "nix/nixpkgs/doc/"
documents = [tree / name for name in listed.stdout.splitlines() if (tree / name).exists() and not name.startswith(manual)]


def without_code(text):
    text = re.sub(r"^( *)(```+|~~~+).*?^\1?\2", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "`", text)


def headings(document):
    """The names that GitHub and mdBook give to headings."""
    names = set()
    text = re.sub(r"^( *)(```+|~~~+).*?^\1?\2", "", document.read_text(), flags=re.M | re.S)
    for title in re.findall(r"^#+ +(.*?) *$", text, flags=re.M):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        unique, count = name, 0
        while unique in names:
            count += 1
            unique = f"{name}-{count}"
        names.add(unique)
    return names


count, broken = 0, []
for document in documents:
    for target in re.findall(r"\]\(<?([^)\s>]+)>?\)", without_code(document.read_text())):
        count += 1
        where = document.relative_to(tree)
        ours = project.fullmatch(target)
        address = urlsplit(target)
        if ours:
            path, fragment = tree / unquote(ours[1]).split("#")[0], ""
        elif address.scheme:
            if address.scheme not in ("http", "https", "mailto") or not (address.netloc or address.path):
                broken.append(f"{where}: {target} is not an address")
            continue
        else:
            path = (document.parent / unquote(address.path)).resolve() if address.path else document
            fragment = address.fragment
        if not path.exists():
            broken.append(f"{where}: {target} leads nowhere")
        elif fragment and fragment not in headings(path):
            broken.append(f"{where}: {target}: {path.name} has no heading of that name")
        elif not ours and where.parts[0] == "docs" and not path.is_relative_to(tree / "docs"):
            broken.append(f"{where}: {target} leads out of the book; give its address on GitHub")

# A page that is not in the summary is not in the book.
summary = (tree / "docs/SUMMARY.md").read_text()
for page in (tree / "docs").glob("*.md"):
    if page.name != "SUMMARY.md" and f"({page.name})" not in summary:
        broken.append(f"docs/SUMMARY.md: {page.name} is not in it")

print("\n".join(broken) or f"{count} links in {len(documents)} documents")
sys.exit(bool(broken) or count == 0)
