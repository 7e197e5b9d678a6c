"""Rules 3, 4, 5 and 12 for words: cores are pure, protocol modules have no mutex, every concern has one home, tests have no real time."""
import re

from rules_lib import Tree, code_only, columns, line_of, matches, rules


class Section:
    """The words of one rule and the files it reads."""

    def __init__(self, rule, patterns):
        self.rule = int(rule)
        self.within = [p for p in patterns.split() if not p.startswith("!")]
        self.without = [p[1:] for p in patterns.split() if p.startswith("!")]
        self.words = []

    def reads(self, path):
        return matches(path, self.within) and not matches(path, self.without)


class Word:
    def __init__(self, text, home, instead):
        self.needs = self.in_texts = False
        text, _, where = text.partition(" @ ")
        self.where = re.compile(where)  # the empty pattern is everywhere
        self.instead = instead
        if text.startswith("needs:"):
            self.needs, self.pattern, self.needed = True, re.compile(text[6:]), re.compile(home)
            self.home = []
            return
        self.home = [] if home == "-" else home.split()
        if text.startswith("re:"):
            self.pattern = re.compile(text[3:])
        elif text.startswith("text:"):
            self.in_texts, self.pattern = True, re.compile(text[5:])
        else:
            before = r"(?<!\w)" if re.match(r"\w", text) else ""
            after = r"(?!\w)" if re.search(r"\w\Z", text) else ""
            self.pattern = re.compile(before + re.escape(text) + after)


def read_sections():
    sections = []
    for number, line in rules("forbidden_words.txt"):
        head = re.fullmatch(r"\[(\d+):(.*)\]", line.strip())
        if head:
            sections.append(Section(*head.groups()))
            continue
        parts = split_word(line)
        if len(parts) != 3 or not sections:
            raise SystemExit(f"forbidden_words.txt:{number}: wanted `word | home | instead` below a [rule: files]")
        sections[-1].words.append(Word(*parts))
    return sections


def split_word(line):
    """The last two separators count: a pattern may hold ` | ` itself."""
    parts = columns(line)
    return [" | ".join(parts[:-2])] + parts[-2:] if len(parts) > 3 else parts


def check(tree, section, path, code, with_texts, whole):
    for word in section.words:
        if matches(path, word.home) or not word.where.search(with_texts):
            continue
        for m in word.pattern.finditer(with_texts if word.in_texts else code):
            if word.needs and word.needed.search(whole):
                break
            shown = " ".join(m.group(0).split())
            home = f" has its home in {' '.join(word.home)}" if word.home else " is not allowed here"
            if word.needs:
                home = " without what must go with it"
            tree.fail(path, line_of(code, m.start() + len(m.group(0)) - len(m.group(0).lstrip())), section.rule,
                       f"`{shown}`{home}", word.instead)


def main():
    tree = Tree(__doc__)
    tree.one_per_line = True
    sections = read_sections()
    for path, text in tree.files("**.h", "**.hpp", "**.cpp", "**.cc", "**.c"):
        hit = [s for s in sections if s.reads(path)]
        if hit:
            code, with_texts = code_only(text), code_only(text, keep_strings=True)
            for section in hit:
                check(tree, section, path, code, with_texts, text)
    tree.finish("3, 4, 5, 12 (words)")


if __name__ == "__main__":
    main()
