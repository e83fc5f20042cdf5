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
import base64
import html
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "web" / "report.html"
PROBE = ROOT / "tests" / "acceptance" / "report_probe.js"
FIXTURES = ROOT / "tests" / "fixtures"
MARK_DATA = "/*HONE_DATA*/null"
MARK_SUMMARY = "<!--HONE_SUMMARY-->"
SUMMARY = "Without experience 30% (21 to 39), with experience 69% (60 to 78), 100 unseen tasks."
SECTIONS = ["answer", "arms", "curve", "lessons", "changes", "costs", "warnings", "repeat"]
MIN_WIDTH = 360  # px; the narrowest phone the page promises to fit
PATIENCE = 90  # seconds for one answer of the browser; on an idle machine all of them together take less

# Runs before anything in the page does.
EARLY = """
window.seen = {errors: [], blocked: []};
addEventListener("error", e => seen.errors.push(String(e.message || e.target.tagName)), true);
addEventListener("unhandledrejection", e => seen.errors.push(String(e.reason)));
document.addEventListener("securitypolicyviolation", e => seen.blocked.push(e.violatedDirective + " " + e.blockedURI));
window.alert = window.prompt = window.confirm = () => { window.pwned = "dialog"; };
"""
# What is in a picture (base64 of a PNG): its size, its commonest colour, the share of pixels that differ from it.
LOOK = """async png => {
  const picture = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const {width, height} = picture, canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const px = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer), times = new Map();
  for (const v of px) times.set(v, (times.get(v) || 0) + 1);
  const rgb = v => [v & 255, v >> 8 & 255, v >> 16 & 255];
  const ground = rgb([...times].reduce((a, b) => b[1] > a[1] ? b : a)[0]);
  let ink = 0;
  for (const [v, n] of times) if (Math.max(...rgb(v).map((c, i) => Math.abs(c - ground[i]))) > 60) ink += n;
  return {width, height, ground, ink, colours: times.size};
}"""


class Stalled(Exception):
    """The browser does not answer, or is gone."""


class Browser:
    """One headless Chromium with one page, spoken to over a pair of pipes in the DevTools protocol."""

    # The protocol is spoken on descriptors 3 and 4, which only a process in between can set safely.
    WIRE = "import os, sys; a, b = os.dup(int(sys.argv[1])), os.dup(int(sys.argv[2])); a, b = os.dup(a), os.dup(b); " \
           "os.dup2(a, 3); os.dup2(b, 4); os.execv(sys.argv[3], sys.argv[3:])"

    def __init__(self, path, folder):
        self.path, self.number, self.waiting, self.events, self.session = path, 0, b"", [], None
        folder = pathlib.Path(folder)
        self.folder, self.log = folder, folder / "chromium.log"
        theirs, self.to = os.pipe()
        self.source, back = os.pipe()
        command = [sys.executable, "-c", self.WIRE, str(theirs), str(back), path, "--headless", "--no-sandbox", "--disable-gpu",
                   "--no-first-run", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir=" + str(folder / "profile"),
                   "about:blank"]
        with open(self.log, "wb") as log:
            # Its own session: no terminal can stop it, and all of its processes end together.
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(theirs, back), start_new_session=True)
        os.close(theirs)
        os.close(back)
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.ask(domain + ".enable")
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=EARLY)

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to)
        os.close(self.source)

    def read(self, until, doing, patience=PATIENCE):
        """The next message of the browser."""
        while b"\0" not in self.waiting:
            left = until - time.monotonic()
            ready = left > 0 and select.select([self.source], [], [], left)[0]
            part = os.read(self.source, 1 << 20) if ready else b""
            if not part:
                said = [x for x in self.log.read_text(encoding="utf-8", errors="replace").splitlines() if x.strip()][-3:]
                raise Stalled("%s %s (%s)%s" % (self.path, "ended" if ready else "gave no answer for %d s" % patience, doing,
                                                "; its last words: " + " / ".join(said) if said else ""))
            self.waiting += part
        message, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, patience=PATIENCE, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        until, doing = time.monotonic() + patience, method + " " + str(params.get("url", ""))
        try:
            packed = json.dumps(message).encode() + b"\0"
            while packed:
                if not select.select([], [self.to], [], max(0, until - time.monotonic()))[1]:
                    raise Stalled("%s takes no commands (%s)" % (self.path, doing))
                packed = packed[os.write(self.to, packed[:4096]):]
        except BrokenPipeError:
            pass
        while True:
            got = self.read(until, doing, patience)
            if got.get("id") == self.number:
                if "error" in got:
                    raise Stalled("%s refuses %s: %s" % (self.path, doing, got["error"]))
                return got["result"]
            self.events.append(got)

    def open(self, url, width, height=900, dark=False, scripts=True):
        """Loads a page at a size and a colour scheme; the addresses that it asked for beyond itself."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self.ask("Page.navigate", url=url)
        until = time.monotonic() + PATIENCE
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.read(until, "loading " + url))

    def requests(self):
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent" and e["params"].get("type") != "Document"]

    def value(self, code, patience=PATIENCE):
        """What a script in the page says."""
        got = self.ask("Runtime.evaluate", patience, expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise Stalled("a script of the test failed: " + json.dumps(got["exceptionDetails"])[:600])
        return got["result"].get("value")

    def probe(self, page, width, dark=False, find="", mutate=False):
        """Opens the page; what report_probe.js saw in it."""
        self.open(page.as_uri(), width, dark=dark)
        out = self.value("(%s)(%s)" % (PROBE.read_text(encoding="utf-8").strip().rstrip(";"), json.dumps({"sections": SECTIONS, "find": find, "mutate": mutate})), PATIENCE * (4 if mutate else 1))
        out["requests"] += self.requests()
        return out

    def shot(self, page, to, width, height, dark=False, scripts=True):
        """Takes a picture of the page; what is in it."""
        self.open(page.as_uri(), width, height, dark, scripts)
        png = self.ask("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(to).write_bytes(base64.b64decode(png))
        self.open("about:blank", width, height)
        return self.value("(%s)(%s)" % (LOOK, json.dumps(png)))

    def pdf(self, page, dark=False):
        self.open(page.as_uri(), 1280, dark=dark)
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=True)["data"])


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
    t.that(m["img"] == 0 and m["handlers"] == 0 and m["script"] == 2 and not m["links"], name + "text made no elements", m)
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
    credits = [c for c in (lesson.get("credit") for lesson in rows(data, "lessons")) if isinstance(c, dict)]
    tried = [c for c in credits if c.get("randomised") is True and c.get("withheld") and isinstance(c.get("difference"), (int, float))]
    t.that(out["text"]["lessons+"].count("Experiment: ") == len(tried), name + "only what was withheld at random is called an experiment", (out["text"]["lessons+"].count("Experiment: "), len(tried)))
    for change in rows(data, "changes"):
        t.that(squeeze(change["with"]["move"]) in squeeze(out["text"]["changes+"]), name + "a changed move is shown")
    if len(rows(data, "curve")) > 1:
        t.that(out["drawn"]["points"] >= len(rows(data, "curve")) and out["drawn"]["chart"] >= 2, name + "curve and band are drawn", out["drawn"])
    for command in rows(data, "repeat"):
        t.that(command in out["text"]["repeat+"], name + "the command to repeat it is there")
    if (data.get("recipe") or {}).get("yaml"):
        t.that(data["recipe"]["yaml"] in out["text"]["repeat+"], name + "the recipe is there")


def check_shot(t, name, seen, width, height, dark):
    bright, ink = sum(seen["ground"]) / 3 / 255, seen["ink"] / (width * height)
    t.that((seen["width"], seen["height"]) == (width, height), name + "screenshot has its size", seen)
    t.that(ink > 0.01 and seen["colours"] > 30, name + "screenshot is not blank", seen)
    t.that(bright < 0.25 if dark else bright > 0.85, name + "screenshot has its colours", seen)


def check_page(t, browser, name, page, data, find, shots, mutate=False):
    """One report at four widths, both colour schemes, with screenshots."""
    plain = browser.folder / (name + ".html")
    plain.write_text(page, encoding="utf-8")
    for width, dark in ((MIN_WIDTH, False), (390, True), (820, True), (1280, False)):
        at = "%s %d px %s: " % (name, width, "dark" if dark else "light")
        out = browser.probe(plain, width, dark, find, mutate and width == 820)
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
    score = lambda s, low, high, n: {"score": s, "low": low, "high": high, "tasks": n}
    lists = ("arms", "curve", "training", "rounds", "recordings", "lessons", "changes", "costs", "warnings", "repeat")
    calm = "This run has no evaluation yet."
    same = {"baseline": score(.5, .4, .6, 20), "learned": score(.5, .4, .6, 20), "difference": {"mean": 0, "low": -.1, "high": .1}}
    worse = {"baseline": score(.6, .5, .7, 200), "learned": score(.405, .3, .5, 200), "difference": {"mean": -.195, "low": -.3, "high": -.1}}
    bare = {"baseline": score(.2, None, None, None), "learned": score(.9, None, None, None)}
    first = {"result": {"baseline": score(1, 1, 1, 1)}, "curve": [{"episodes": 0, "score": 1}], "training": [{"n": 0, "solved": True}]}
    cases = {"null": (None, calm), "empty": ({}, calm), "hollow": ({k: [] for k in lists}, calm),
             "same": ({"result": same}, "No difference can be shown: 50% on 20 unseen tasks, with experience as without."),
             "worse": ({"result": worse}, "It got worse: 40.5% on 200 unseen tasks, down from 60.0% without experience."),
             "bare": ({"result": bare}, "90% on unseen tasks, up from 20% without experience."),
             "first": (first, "Without experience the agent scores 100% on 1 unseen task.")}
    for name, (data, said) in cases.items():
        page = browser.folder / (name + ".html")
        page.write_text(filled(template, data), encoding="utf-8")
        out = browser.probe(page, MIN_WIDTH)
        check_common(t, name + ": ", out, MIN_WIDTH, False)
        t.that(out["text"]["answer"].startswith(said), name + ": the first sentence says what is known", out["text"]["answer"])


def check_paper_and_no_script(t, browser, plain, shots):
    body = browser.pdf(plain, dark=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", body))
    t.that(body.startswith(b"%PDF") and 2 <= pages <= 14, "the page prints", pages)
    # With scripts off: what is laid out, and that it stands out from its ground.
    seen = browser.shot(plain, shots / "no_script.png", 390, 844, scripts=False)
    browser.open(plain.as_uri(), 390, 844, scripts=False)
    shown = browser.value("document.body.innerText")
    t.that(browser.value("document.getElementById('main').hidden"), "with scripts off the page's script did not run")
    t.that(SUMMARY in shown, "with scripts off the summary can be read", shown)
    t.that("scripts are switched off here" in shown and "Agents compared" not in shown, "with scripts off the page says why it is short", shown)
    t.that(seen["ink"] > 1500, "with scripts off the text is visible", seen)


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
        try:
            browser = Browser(path, folder)
        except (OSError, Stalled) as e:
            print("skipped: %s does not start here: %s" % (path, e))
            return 77
        shots = pathlib.Path(out or folder)
        shots.mkdir(parents=True, exist_ok=True)
        t, template = Checks(), PAGE.read_text(encoding="utf-8")
        try:
            check_source(t, template)
            sample = json.loads((FIXTURES / "report_sample.json").read_text(encoding="utf-8"))
            hostile = json.loads((FIXTURES / "report_hostile.json").read_text(encoding="utf-8"))
            plain = check_page(t, browser, "sample", filled(template, sample), sample, "spilled tea", shots, mutate=True)
            told = {k: hostile[k] for k in ("arms", "lessons", "changes", "costs", "warnings", "repeat")}
            check_page(t, browser, "hostile", filled(template, hostile, hostile["title"]), told, "", shots)
            check_empty(t, browser, template)
            check_paper_and_no_script(t, browser, plain, shots)
            check_real(t, browser, template, shots)
        except Stalled as e:
            t.that(False, "the browser keeps answering", e)
        finally:
            browser.close()
        print("%d checks passed, %d failed%s" % (t.passed, len(t.bad), "; screenshots in " + str(shots) if out else ""))
        return 1 if t.bad else 0


if __name__ == "__main__":
    sys.exit(main())
