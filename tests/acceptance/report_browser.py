#!/usr/bin/env python3
"""Opens the report page in a real browser and checks what a reader would see.

The page web/report.html is filled with hand-made fixtures (and, when HONE_REPORT names a report written by a real
run, with that one too), then loaded by headless Chromium at phone and desktop width, light and dark. Checked: the
answer and every section are there and agree with the data, hostile text stays text, nothing is requested from
anywhere, nothing overflows sideways, text has AA contrast, labels of the chart do not overlap, no field of the data
is indispensable, the page prints, and with scripts off the headline remains.

Exit 0: all passed. 1: something failed. 77: skipped, no browser. Standard library only.
Environment: HONE_CHROMIUM (browser to use), HONE_REPORT (a real report), HONE_BIN (the binary that wrote it).
"""
import argparse
import html
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "web" / "report.html"
PROBE = ROOT / "tests" / "acceptance" / "report_probe.js"
FIXTURES = ROOT / "tests" / "fixtures"
MARK_DATA = "/*HONE_DATA*/null"
MARK_SUMMARY = "<!--HONE_SUMMARY-->"
SUMMARY = "Without experience 30% (21 to 39), with experience 69% (60 to 78), 100 unseen tasks."
SECTIONS = ["answer", "arms", "curve", "lessons", "changes", "costs", "warnings", "repeat"]
MIN_WIDTH = 360  # px; the narrowest phone the page promises to fit

# ---- what tests add to a copy of the page: this first, report_probe.js last ----
EARLY = """<script>
window.seen = {errors: [], blocked: []};
addEventListener("error", e => seen.errors.push(String(e.message || e.target.tagName)), true);
addEventListener("unhandledrejection", e => seen.errors.push(String(e.reason)));
document.addEventListener("securitypolicyviolation", e => seen.blocked.push(e.violatedDirective + " " + e.blockedURI));
window.alert = window.prompt = window.confirm = () => { window.pwned = "dialog"; };
</script>"""


WRAP = """<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><body style="margin:0"><pre id="out"></pre>
<iframe src="%s" style="width:%dpx;height:900px;border:0;color-scheme:light dark"></iframe>"""


class Browser:
    """Headless Chromium, one fresh profile per call."""

    def __init__(self, path, folder):
        self.path, self.folder = path, pathlib.Path(folder)

    def call(self, *options, url, dark=False, settings=""):
        with tempfile.TemporaryDirectory(dir=self.folder) as profile:
            scheme = "preferredColorScheme=%d" % (0 if dark else 1)
            command = [self.path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                       "--disable-background-networking", "--disable-component-update", "--disable-sync",
                       "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + profile,
                       "--blink-settings=" + ",".join(s for s in (scheme, settings) if s), *options, url]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
            return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def starts(self):
        page = self.folder / "hello.html"
        page.write_text("<p id=a></p><script>document.getElementById('a').textContent = 6 * 7</script>", encoding="utf-8")
        try:
            code, out, err = self.call("--dump-dom", url=page.as_uri())
        except (OSError, subprocess.TimeoutExpired) as e:
            return str(e)
        return "" if code == 0 and ">42<" in out else (err.strip().splitlines() or ["no output"])[-1]

    def probe(self, page, width, dark=False):
        wrap = self.folder / "wrap.html"
        wrap.write_text(WRAP % (page.as_uri(), width), encoding="utf-8")
        _, out, err = self.call("--dump-dom", "--window-size=1400,900", "--allow-file-access-from-files", url=wrap.as_uri(), dark=dark)
        found = re.search(r'<pre id="out">(.*?)</pre>', out, re.S)
        if not found or not found.group(1):
            raise RuntimeError("the page did not report back: " + err[-400:])
        return json.loads(html.unescape(found.group(1)))

    def shot(self, page, to, width, height, dark=False, settings=""):
        self.call("--screenshot=" + str(to), "--window-size=%d,%d" % (width, height), url=page.as_uri(), dark=dark, settings=settings)
        return read_png(to)


def read_png(path, rows=420):
    """Width, height and the first rows of pixels as (r, g, b), of an 8-bit PNG without interlacing."""
    raw = pathlib.Path(path).read_bytes()
    if raw[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(str(path) + " is no PNG")
    at, packed, width, height, depth = 8, b"", 0, 0, 0
    while at < len(raw):
        size, kind = struct.unpack(">I4s", raw[at:at + 8])
        body = raw[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack(">IIBB", body[:10])
            depth = {2: 3, 6: 4}[colour]
            assert bits == 8
        elif kind == b"IDAT":
            packed += body
        at += size + 12
    flat, stride, above, pixels = zlib.decompress(packed), width * depth, bytearray(width * depth), []
    for y in range(min(rows, height)):
        kind, line = flat[y * (stride + 1)], bytearray(flat[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride if kind else 0):
            a, b, c = (line[i - depth] if i >= depth else 0), above[i], (above[i - depth] if i >= depth else 0)
            if kind == 1:
                add = a
            elif kind == 2:
                add = b
            elif kind == 3:
                add = (a + b) // 2
            else:
                p = a + b - c
                add = min(((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)))[2]
            line[i] = (line[i] + add) & 255
        above = line
        pixels.append([tuple(line[i:i + 3]) for i in range(0, stride, depth)])
    return width, height, pixels


class Checks:
    def __init__(self):
        self.passed, self.bad = 0, []

    def that(self, fine, name, detail=""):
        if fine:
            self.passed += 1
        else:
            self.bad.append(name)
            print("FAIL  %s%s" % (name, ": " + str(detail)[:600] if detail != "" else ""))


def filled(template, data, summary=SUMMARY):
    """What the engine does: JSON with every '<' escaped, and the summary as escaped text."""
    return template.replace(MARK_DATA, json.dumps(data).replace("<", "\\u003c")).replace(MARK_SUMMARY, html.escape(summary))


def with_probe(page, find="", mutate=False):
    given = "const SECTIONS = %s, FIND = %s, MUTATE = %s;\n" % (json.dumps(SECTIONS), json.dumps(find), "true" if mutate else "false")
    late = "<script>" + given + PROBE.read_text(encoding="utf-8") + "</script>"
    return page.replace("<head>", "<head>" + EARLY, 1)[::-1].replace("</body>"[::-1], (late + "</body>")[::-1], 1)[::-1]


def near(text, score):
    return any(abs(float(x) - 100 * score) <= 0.51 for x in re.findall(r"(\d+(?:\.\d+)?)%", text))


def rows(data, key):
    return [x for x in (data.get(key) or []) if x is not None] if isinstance(data.get(key), list) else []


def check_source(t, page):
    t.that(page.count(MARK_DATA) == 1, "the data marker occurs once", page.count(MARK_DATA))
    t.that(page.count(MARK_SUMMARY) == 1, "the summary marker occurs once", page.count(MARK_SUMMARY))
    t.that(len(page.encode()) < 60_000, "the page stays below 60 kB", len(page.encode()))
    t.that("http:" not in page and "https:" not in page, "no address of another machine in the page")
    t.that(not re.search(r"@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|\bimport\(|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", page),
           "the page neither loads anything nor writes markup from text")
    t.that("default-src 'none'" in page, "a content security policy forbids every request")


def check_common(t, name, out, width, dark):
    """What holds for every report, whatever is in it."""
    t.that(out["width"] == width and out["dark"] == dark, name + "was shown as asked", (out["width"], out["dark"]))
    t.that(not out["hidden"] and not out["failed"], name + "every section is drawn", out["failed"])
    t.that(not out["errors"], name + "no script error", out["errors"])
    t.that(out["pwned"] is None and not out["blocked"], name + "no hostile text ran or tried to load", (out["pwned"], out["blocked"]))
    m = out["markup"]
    t.that(m["img"] == 0 and m["handlers"] == 0 and m["script"] == 4 and not m["links"], name + "text made no elements", m)
    t.that(not out["requests"], name + "nothing is requested", out["requests"])
    t.that(out["scroll"] <= width and not out["wide"], name + "nothing overflows sideways", (out["scroll"], out["wide"]))
    t.that(out["scroll2"] <= width and not out["wide2"], name + "nothing overflows with everything open", (out["scroll2"], out["wide2"]))
    t.that(not out["faint"] and not out["faint2"], name + "AA contrast", out["faint"] + out["faint2"])
    t.that(not out["clash"], name + "labels of the drawings neither overlap nor leave them", out["clash"])
    t.that(not out["unnamed"], name + "tables, drawings, fields and sections have names", out["unnamed"])
    levels = out["headings"]
    t.that(levels[:2] == [1, 2] and levels.count(1) == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:])), name + "headings are nested", levels)
    shown = " ".join(out["text"][s] for s in SECTIONS)
    t.that(not re.search(r"\bundefined\b|\bNaN\b|\bInfinity\b|\[object ", shown), name + "no undefined, NaN or object in the text",
           re.search(r".{0,30}(undefined|NaN|Infinity|\[object ).{0,30}", shown))


def check_numbers(t, name, out, data):
    """The page says what the data says."""
    result, answer = data.get("result") or {}, out["text"]["answer"]
    for key in ("baseline", "learned"):
        part = result.get(key) or {}
        if part.get("score") is not None:
            t.that(near(answer, part["score"]), name + "the answer names the score of " + key, answer)
            t.that(part.get("low") is None or "95% interval" in answer, name + "the answer names the interval of " + key, answer)
    gap = result.get("difference") or {}
    if gap.get("low") is not None and (result.get("learned") or {}).get("score") is not None:
        word = "It got better" if gap["low"] > 0 else "It got worse" if gap["high"] < 0 else "No difference can be shown"
        t.that(answer.startswith(word), name + "the first words are the verdict: " + word, answer[:80])
    for key in ("arms", "lessons", "changes", "costs", "warnings"):
        t.that(out["rows"][key] == len(rows(data, key)), name + "every one of the %s is there" % key, (out["rows"][key], len(rows(data, key))))
    squeeze = lambda s: re.sub(r"\s+", "", s)
    for arm in rows(data, "arms"):
        t.that(squeeze(arm.get("name") or "") in squeeze(out["text"]["arms"]), name + "the table has the agent " + str(arm.get("name")))
    lessons = squeeze(out["text"]["lessons+"])
    for lesson in rows(data, "lessons"):
        t.that(squeeze(lesson.get("text") or "") in lessons, name + "lesson " + str(lesson.get("id")) + " can be read")
        t.that(all(squeeze(str(e["id"])) in lessons for e in lesson.get("evidence") or []), name + "lesson " + str(lesson.get("id")) + " names its evidence")
    for change in rows(data, "changes"):
        t.that(squeeze(change["with"]["move"]) in squeeze(out["text"]["changes+"]), name + "a changed move is shown")
    if len(rows(data, "curve")) > 1:
        t.that(out["drawn"]["points"] >= len(rows(data, "curve")) and out["drawn"]["chart"] >= 2, name + "curve and band are drawn", out["drawn"])
    for command in rows(data, "repeat"):
        t.that(command in out["text"]["repeat+"], name + "the command to repeat it is there")
    if (data.get("recipe") or {}).get("yaml"):
        t.that(data["recipe"]["yaml"] in out["text"]["repeat+"], name + "the recipe is there")


def check_shot(t, name, shot, width, height, dark):
    w, h, pixels = shot
    flat = [p for row in pixels for p in row]
    ground = max(set(flat), key=flat.count)
    ink = sum(1 for p in flat if max(abs(a - b) for a, b in zip(p, ground)) > 60) / len(flat)
    bright = sum(ground) / 3 / 255
    t.that((w, h) == (width, height), name + "screenshot has its size", (w, h))
    t.that(ink > 0.01 and len(set(flat)) > 30, name + "screenshot is not blank", (ink, len(set(flat))))
    t.that(bright < 0.25 if dark else bright > 0.85, name + "screenshot has its colours", ground)


def check_page(t, browser, name, page, data, find, shots, mutate=False):
    """One report at four widths, both colour schemes, with screenshots."""
    probe, plain = browser.folder / (name + ".probe.html"), browser.folder / (name + ".html")
    plain.write_text(page, encoding="utf-8")
    for width, dark in ((MIN_WIDTH, False), (390, True), (820, True), (1280, False)):
        probe.write_text(with_probe(page, find, mutate and width == 820), encoding="utf-8")
        at = "%s %d px %s: " % (name, width, "dark" if dark else "light")
        out = browser.probe(probe, width, dark)
        check_common(t, at, out, width, dark)
        check_numbers(t, at, out, data)
        if mutate and width == 820:
            t.that(out["mutations"] > 1000 and not out["fell"], at + "no field is indispensable (%d replaced)" % out["mutations"], out["fell"])
        if find:
            t.that(out["found"] == 1, at + "the search finds the one case", (out["found"], out["said"]))
    for width, height in ((390, 844), (1280, 900)):
        for dark in (False, True):
            to = shots / ("%s_%dx%d_%s.png" % (name, width, height, "dark" if dark else "light"))
            check_shot(t, to.stem + ": ", browser.shot(plain, to, width, height, dark), width, height, dark)
    return plain


def check_empty(t, browser, template):
    """A page without data, and one where everything is null, still say so calmly."""
    for name, data in (("null", None), ("empty", {}), ("hollow", {k: [] for k in ("arms", "curve", "training", "lessons", "changes", "costs", "warnings", "repeat")}),
                       ("only_result", {"result": {"baseline": {"score": .5, "low": .4, "high": .6, "tasks": 20}, "learned": {"score": .5, "low": .4, "high": .6, "tasks": 20}, "difference": {"mean": 0, "low": -.1, "high": .1}}}),
                       ("baseline_only", {"result": {"baseline": {"score": 1, "low": 1, "high": 1, "tasks": 1}}, "curve": [{"episodes": 0, "score": 1}], "training": [{"n": 0, "solved": True}]})):
        page = browser.folder / (name + ".html")
        page.write_text(with_probe(filled(template, data)), encoding="utf-8")
        out = browser.probe(page, MIN_WIDTH)
        check_common(t, name + ": ", out, MIN_WIDTH, False)
        said = {"only_result": "No difference can be shown: 50% on 20 unseen tasks, with experience as without.", "baseline_only": "Without experience the agent scores 100% on 1 unseen task."}
        t.that(out["text"]["answer"].startswith(said.get(name, "This run has no evaluation yet.")), name + ": the first sentence says what is known", out["text"]["answer"])


def check_paper_and_no_script(t, browser, plain, shots):
    pdf = browser.folder / "page.pdf"
    browser.call("--print-to-pdf=" + str(pdf), "--no-pdf-header-footer", url=plain.as_uri(), dark=True)
    body = pdf.read_bytes() if pdf.exists() else b""
    pages = len(re.findall(rb"/Type\s*/Page\b", body))
    t.that(body.startswith(b"%PDF") and 2 <= pages <= 14, "the page prints", pages)
    shot = browser.shot(plain, shots / "no_script.png", 390, 844, settings="scriptEnabled=false")
    _, _, pixels = shot
    ink = sum(1 for row in pixels for p in row if sum(p) < 380)
    t.that(ink > 1500, "with scripts off something can be read", ink)
    bare = browser.folder / "bare.html"
    bare.write_text(re.sub(r"<noscript>.*?</noscript>", "", plain.read_text(encoding="utf-8"), flags=re.S), encoding="utf-8")
    _, _, without = browser.shot(bare, browser.folder / "bare.png", 390, 844, settings="scriptEnabled=false")
    t.that(ink > sum(1 for row in without for p in row if sum(p) < 380) + 800, "with scripts off the summary is what can be read")


def check_real(t, browser, template, shots):
    """The report of a real run: the same page with data in it."""
    path = os.environ.get("HONE_REPORT")
    if not path:
        return
    page = pathlib.Path(path).read_text(encoding="utf-8")
    before, after = template.split(MARK_DATA)
    found = re.search(r'<script id="hone-data">const DATA = (.*?);</script>', page, re.S)
    t.that(found is not None, "real report: has data")
    if not found:
        return
    t.that("<" not in found.group(1), "real report: every '<' in the data is escaped")
    data = json.loads(found.group(1))
    if os.environ.get("HONE_BIN"):
        t.that(page.split('<script id="hone-data">')[1].split(";</script>", 1)[1] == after.split(";</script>", 1)[1] and MARK_SUMMARY not in page and before.split("<noscript>")[0] == page.split("<noscript>")[0],
               "real report: is this page, with its summary filled")
        said = subprocess.run([os.environ["HONE_BIN"], "--version"], stdout=subprocess.PIPE, timeout=60, check=False).stdout.decode()
        t.that(str(data.get("version")) in said, "real report: names the version of the binary", (data.get("version"), said.strip()))
    check_page(t, browser, "real", page, data, "", shots)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", help="folder for the screenshots (default: a temporary one)")
    out = options.parse_args().out
    path = os.environ.get("HONE_CHROMIUM") or next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")) if p), None)
    if not path:
        print("skipped: no Chromium on this machine (install the package chromium, or set HONE_CHROMIUM)")
        return 77
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(path, folder)
        why = browser.starts()
        if why:
            print("skipped: %s does not start here: %s" % (path, why))
            return 77
        shots = pathlib.Path(out or folder)
        shots.mkdir(parents=True, exist_ok=True)
        t, template = Checks(), PAGE.read_text(encoding="utf-8")
        check_source(t, template)
        sample = json.loads((FIXTURES / "report_sample.json").read_text(encoding="utf-8"))
        hostile = json.loads((FIXTURES / "report_hostile.json").read_text(encoding="utf-8"))
        plain = check_page(t, browser, "sample", filled(template, sample), sample, "spilled tea", shots, mutate=True)
        check_page(t, browser, "hostile", filled(template, hostile, hostile["title"]), {}  | {k: hostile[k] for k in ("lessons", "changes", "warnings", "repeat")}, "", shots)
        check_empty(t, browser, template)
        check_paper_and_no_script(t, browser, plain, shots)
        check_real(t, browser, template, shots)
        print("%d checks passed, %d failed%s" % (t.passed, len(t.bad), "; screenshots in " + str(shots) if out else ""))
        return 1 if t.bad else 0


if __name__ == "__main__":
    sys.exit(main())
