# SPDX-License-Identifier: MIT
"""faults.py - the faults that scripts/mutate may plant in a C file.

A small reader of the project's own style, not of C: a function's body stands
between a line "{" and a line "}" at the left margin.  Comments, strings,
preprocessor lines, assertions and static tables are left alone.  A fault is a
span of one file and what to write there; its id is made of its function, its
line's text and its kind, not of line numbers, so that it outlives changes
elsewhere.
"""

import collections
import hashlib
import re

Fault = collections.namedtuple("Fault", "id file function line kind start end "
                               "old new text")

FLIP = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
SWAP = {"&&": "||", "||": "&&"}
SIGN = {"+": "-", "-": "+"}
CALLS = {"seq_lt": "seq_le", "seq_le": "seq_lt", "seq_gt": "seq_ge",
         "seq_ge": "seq_gt", "seq_min": "seq_max", "seq_max": "seq_min"}
CALLS.update({"%s_u%d" % (a, n): "%s_u%d" % (b, n) for n in (32, 64)
              for a, b in (("min", "max"), ("max", "min"))})
WORDS = {"true": "false", "false": "true"}

BLANK = re.compile(r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*"
                       | '(?:\\.|[^'\\\n])+'
                       | ^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*""",
                   re.S | re.M | re.X)
BODY = re.compile(r"^\{\n(.*?)^\}", re.S | re.M)
NOT_A_CALL = {"if", "while", "for", "switch", "return", "sizeof", "do"}
NO_STATEMENT = re.compile(r"(?:return|goto|break|continue|case|default|if|else|"
                          r"for|while|do|switch|static|const|struct|enum|union|"
                          r"unsigned|signed|extern|typedef)\b")
DECLARATION = re.compile(r"\w+(?:\s+\**|\s*\*+)\s*\w+\s*(?:=[^=]|;|,|\[)")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def closing(text, at):
    """The index of the parenthesis that closes the one at |at|."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return -1


def without_checks(code):
    """Assertions and static tables blanked, too."""
    for m in list(re.finditer(r"\b(?:static_assert|_Static_assert|assert)\s*\(",
                              code)):
        end = closing(code, m.end() - 1) + 1
        code = code[:m.start()] + re.sub(r"[^\n]", " ", code[m.start():end]) \
            + code[end:]
    return re.sub(r"^\t+static\b[^;]*;", blank, code, flags=re.M)


def conditions(code, body):
    """The spans inside the parentheses of every if of a body."""
    for m in re.finditer(r"\bif \(", code[body[0]:body[1]]):
        start = body[0] + m.end()
        end = closing(code, start - 1)
        if 0 <= end < body[1]:
            yield start, end


def statements(code, body):
    """Assignments and calls that are a line of their own."""
    before = "{"
    at = body[0]
    for line in code[body[0]:body[1]].splitlines(keepends=True):
        text = line.strip()
        start = at + len(line) - len(line.lstrip())
        at += len(line)
        if not text:
            continue
        fine = before in ";{}:)" or before == "else"
        before = "else" if text.endswith("else") else text[-1]
        if (fine and re.match(r"[\w*(]", text) and text.endswith(";") and
                text.count("(") == text.count(")") and text.count(";") == 1 and
                not NO_STATEMENT.match(text) and not DECLARATION.match(text)):
            yield start, start + len(text)


def spans(code, body):
    """(kind, start, end, what to write) of every fault in a body."""
    def each(pattern):
        for m in re.finditer(pattern, code[body[0]:body[1]]):
            yield m, body[0] + m.start(), body[0] + m.end()

    for m, a, b in each(r"(?<= )(<=|>=|==|!=|<|>)(?=\s)"):
        yield "comparison", a, b, FLIP[m.group()]
    for m, a, b in each(r"&&|\|\|"):
        yield "logic", a, b, SWAP[m.group()]
    for m, a, b in each(r"(?<=[\w)\]] )[+-](?= [\w(*&])"):
        yield "off by one or sign", a, b, SIGN[m.group()]
    for m, a, b in each(r"(?<![\w.])(\d+)(?=u?\b)(?![xX.])"):
        if not re.search(r"case $", code[:a]):
            yield "constant", a, b, str(int(m.group()) + 1)
    for m, a, b in each(r"\b(%s)(?=\()" % "|".join(CALLS)):
        yield "comparison", a, b, CALLS[m.group()]
    for m, a, b in each(r"\b(?:true|false)\b"):
        yield "constant", a, b, WORDS[m.group()]
    for m, a, b in each(r"!(?=[\w(])"):
        yield "negation", a, b, ""
    for a, b in conditions(code, body):
        yield "negation", a, b, "!(%s)" % code[a:b]
        yield "dropped check", a, b, "0 && (%s)" % code[a:b]
    for a, b in statements(code, body):
        yield "dropped statement", a, b, ";"


def find(path, text):
    """All faults of one file, by place."""
    code = without_checks(BLANK.sub(blank, text))
    faults = []
    seen = collections.Counter()
    for m in BODY.finditer(code):
        head = code[:m.start()].rsplit("\n}", 1)[-1].rsplit(";", 1)[-1]
        names = [n for n in re.findall(r"(\w+)\(", head) if n not in NOT_A_CALL]
        function = names[0] if names else "?"
        for kind, a, b, new in spans(code, (m.start(1), m.end(1))):
            begin = text.rfind("\n", 0, a) + 1
            shown = text[begin:text.find("\n", b)].strip()
            key = "\0".join([path, function, kind, shown, text[a:b]])
            seen[key] += 1
            name = hashlib.sha256(("%s\0%d" % (key, seen[key])).encode())
            faults.append(Fault(name.hexdigest()[:10], path, function,
                                text.count("\n", 0, a) + 1, kind, a, b,
                                text[a:b], new, shown))
    return sorted(faults, key=lambda f: (f.start, f.kind))


def order(faults, seed):
    """In the order in which they are planted: shuffled by |seed|, each kind in
    turn, so that none of them makes up most of the sample."""
    def place(f):
        return hashlib.sha256(("%s %s" % (seed, f.id)).encode()).digest()

    kinds = collections.defaultdict(list)
    for f in sorted(faults, key=place):
        kinds[f.kind].append(f)
    queues = [kinds[k] for k in sorted(kinds)]
    while any(queues):
        for q in queues:
            if q:
                yield q.pop(0)
