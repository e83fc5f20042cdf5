// Looks at the report page as a reader would, opens all that can be opened, looks again, and says what it saw.
// report_browser.py calls it in the loaded page with the sections, a text to search for among the cases, and whether
// also to try the page with every field of the data replaced.
(async ({sections, find, mutate}) => {
  const rgb = s => (s.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = c => { const f = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const ratio = (a, b) => { const x = light(a), y = light(b); return (Math.max(x, y) + .05) / (Math.min(x, y) + .05); };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const faint = () => {
    const bad = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const e = walk.currentNode.parentElement;
      if (!walk.currentNode.data.trim() || !e.getClientRects().length || e.closest("script,style,noscript,title")) continue;
      const s = getComputedStyle(e), size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.66 && +s.fontWeight >= 700);
      const r = ratio(rgb(e.closest("svg") ? s.fill : s.color), ground(e));
      if (r < (large ? 3 : 4.5)) bad.push(walk.currentNode.data.trim().slice(0, 30) + " " + r.toFixed(2));
    }
    const v = getComputedStyle(document.documentElement), probe = document.body.appendChild(document.createElement("i"));
    for (const name of ["--mark", "--accent"]) { probe.style.color = v.getPropertyValue(name); const r = ratio(rgb(getComputedStyle(probe).color), ground(document.body)); if (r < 3) bad.push(name + " " + r.toFixed(2)); }
    probe.remove();
    return bad;
  };
  const wide = () => [...document.querySelectorAll("body *")].filter(e => e.getClientRects().length && !e.closest(".sr,thead") && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + (e.className.baseVal ?? e.className) + " " + e.textContent.slice(0, 40)).slice(0, 8);
  const clash = () => {
    const bad = [];
    for (const svg of document.querySelectorAll(".chart svg, .scale svg")) {
      const t = [...svg.querySelectorAll("text")].map(e => [e.textContent, e.getBoundingClientRect()]), box = svg.getBoundingClientRect();
      t.forEach(([a, p], i) => {
        if (p.left < box.left - 1 || p.right > box.right + 1 || p.top < box.top - 1 || p.bottom > box.bottom + 2) bad.push(a + " is outside");
        t.slice(i + 1).forEach(([b, q]) => { if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 4 && q.top < p.bottom - 4) bad.push(a + " over " + b); });
      });
    }
    return bad;
  };
  const out = {width: innerWidth, dark: matchMedia("(prefers-color-scheme: dark)").matches, title: document.title, hidden: document.getElementById("main").hidden, text: {}, rows: {}};
  for (const id of sections) out.text[id] = document.getElementById(id).innerText;
  out.header = document.querySelector("header").innerText;
  out.scroll = document.documentElement.scrollWidth; out.wide = wide(); out.faint = faint(); out.clash = clash();
  out.drawn = {chart: document.querySelectorAll(".chart svg path").length, points: document.querySelectorAll(".chart circle").length};
  // Open everything a reader can open, then look again.
  for (let i = 0; i < 3; i++) { for (const d of document.querySelectorAll("details")) { d.open = true; d.dispatchEvent(new Event("toggle")); } for (let n = 0, b; n < 500 && (b = [...document.querySelectorAll("main button")].find(x => /^show /i.test(x.textContent))); n++) b.click(); }
  for (const id of sections) out.text[id + "+"] = document.getElementById(id).textContent;
  out.rows = {arms: document.querySelectorAll("#arms tbody tr").length, costs: document.querySelectorAll("#costs tbody tr").length, lessons: document.querySelectorAll("ul.lessons > li").length, changes: document.querySelectorAll(".change").length, warnings: document.querySelectorAll("#warnings .notes li").length};
  out.scroll2 = document.documentElement.scrollWidth; out.wide2 = wide(); out.faint2 = faint();
  const field = document.querySelector("#lessons input[type=search]");
  if (field) { field.value = find; field.dispatchEvent(new Event("input")); out.found = field.closest("details").querySelectorAll("ul.lessons > li").length; out.said = field.parentElement.textContent; }
  out.failed = [...document.querySelectorAll(".failed")].map(e => e.textContent);
  out.markup = {img: document.querySelectorAll("img,iframe,object,embed,video,audio,form,base").length, script: document.querySelectorAll("script").length, handlers: [...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => /^on/i.test(a.name))).length,
    links: [...document.querySelectorAll("[href],[src]")].map(e => e.getAttribute("href") ?? e.getAttribute("src")).filter(u => !/^(#|data:,$)/.test(u))};
  out.requests = performance.getEntriesByType("resource").map(e => e.name);
  out.unnamed = [...document.querySelectorAll("table:not(:has(caption)), svg:not([aria-hidden]):not([aria-label]):not([hidden]), input:not([aria-label]), section:not([aria-labelledby]):not(#answer)")].map(e => e.outerHTML.slice(0, 80));
  out.headings = [...document.querySelectorAll("h1,h2,h3,h4")].map(e => +e.tagName[1]);
  out.pwned = window.pwned || null; out.errors = seen.errors; out.blocked = seen.blocked;
  if (mutate) {
    // Replace every field, one at a time, by something else: each section must still draw.
    const small = JSON.parse(JSON.stringify(DATA)), paths = []; for (const k of Object.keys(small)) if (Array.isArray(small[k])) small[k] = small[k].slice(0, 6);
    small.lessons = [small.lessons.find(l => l.form === "insight"), DATA.lessons.find(l => l.form === "example"), DATA.lessons.at(-1)]; for (const k of ["arms", "changes", "costs", "warnings", "repeat"]) small[k] = small[k].slice(0, 3);
    const walk = (v, path) => { if (path.length) paths.push(path); if (v && typeof v === "object") for (const k of Object.keys(v)) if (!Array.isArray(v) || +k < 2) walk(v[k], [...path, k]); };
    walk(small, []); out.mutations = 0; out.fell = [];
    document.body.style.display = "none";  // what is laid out was looked at above
    for (const path of paths) for (const value of [null, undefined, "text", -7, 1e300, true, [], {}, [null, 3, "x", []]]) {
      const copy = structuredClone(small); let at = copy; for (const k of path.slice(0, -1)) at = at[k]; at[path[path.length - 1]] = value; out.mutations++;
      try { HoneReport.render(copy); for (const d of document.querySelectorAll("details.block")) { d.open = true; d.dispatchEvent(new Event("toggle")); } } catch (e) { out.fell.push(path.join(".") + "=" + JSON.stringify(value) + " " + e.message); }
      if (document.querySelector(".failed")) out.fell.push(path.join(".") + "=" + JSON.stringify(value) + " " + document.querySelector(".failed").textContent);
      if (/undefined|NaN|Infinity|\[object/.test(document.getElementById("main").textContent)) out.fell.push(path.join(".") + "=" + JSON.stringify(value) + " shows " + /.{20}(undefined|NaN|Infinity|\[object).{10}/s.exec(document.getElementById("main").textContent)?.[0]);
    }
    out.fell = out.fell.slice(0, 12);
  }
  return out;
})
