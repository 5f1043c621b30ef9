// Walks pages of draw_html_pipeline in Chromium, by playwright. The pages are in the folder
// PAGES, written by tests/viz/page/test_walk.py, which runs this; CHROMIUM is the browser.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const view = { width: 1280, height: 900 };
let browser;
let context;
let page;
let requests;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  context = await browser.newContext({ viewport: view, hasTouch: true });
  context.on("request", (request) => requests.push(request.url()));
});

after(() => browser.close());

beforeEach(async () => {
  await page?.close();
  requests = [];
  page = await context.newPage();
});

async function open(name) {
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.goto(pathToFileURL(`${process.env.PAGES}/${name}.html`).href);
  await page.waitForFunction(() => document.querySelector("#stage > svg").style.transform);
  return errors;
}

const heading = () => page.locator("#panel h2").textContent();
const focused = () => page.evaluate(() => document.activeElement.id);

/** Scale and place of the picture. */
async function placed() {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done())));
  const text = await page.locator("#stage > svg").evaluate((svg) => svg.style.transform);
  const [x, y, scale] = text.match(/-?[\d.]+(?:e-?\d+)?/g).map(Number);
  return { x, y, scale };
}

async function middle(selector) {
  const box = await page.locator(selector).first().boundingBox();
  return { x: box.x + box.width / 2, y: box.y + 12 };
}

test("it opens from a file, asks for nothing else, and has no errors", async () => {
  const errors = await open("run");
  await page.keyboard.press("ArrowRight");
  await page.locator("#timeline [data-node]").first().click();
  await page.locator("#theme").click();
  assert.deepEqual(errors, []);
  assert.equal(requests.length, 1);
  assert.match(requests[0], /^file:/);
});

test("it is driven by the keyboard alone", async () => {
  await open("run");
  await page.keyboard.press("ArrowDown");
  assert.equal(await heading(), "1. load_data");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.equal(await heading(), "3. rolling_goals");
  await page.keyboard.press("ArrowUp");
  assert.equal(await heading(), "2. clean_data");
  await page.keyboard.press("/");
  assert.equal(await focused(), "search");
  await page.keyboard.type("WRITE");
  assert.equal(await page.locator("#matches").textContent(), "1 found");
  await page.keyboard.press("Enter");
  assert.equal(await heading(), "5. write_features");
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "stage");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#panel").isHidden(), true);
  const before_ = await placed();
  await page.keyboard.press("+");
  assert.ok((await placed()).scale > before_.scale);
  await page.keyboard.press("-");
  await page.keyboard.press("f");
  assert.ok((await placed()).scale <= 1);
});

test("every control can be reached and used by Tab and Enter", async () => {
  await open("run");
  const reached = [];
  for (let turn = 0; turn < 8; turn += 1) {
    await page.keyboard.press("Tab");
    reached.push(await focused());
  }
  for (const id of ["search", "nearer", "farther", "fit", "theme", "stage"]) {
    assert.ok(reached.includes(id), `${id} is not among ${reached}`);
  }
  await page.locator("#nearer").focus();
  const before_ = await placed();
  await page.keyboard.press("Enter");
  assert.ok((await placed()).scale > before_.scale);
  await page.keyboard.press("ArrowRight");
  const link = page.locator("#panel button").first();
  const name = await link.textContent();
  await link.focus();
  await page.keyboard.press("Enter");
  assert.match(await heading(), new RegExp(`${name}$`));
});

test("the focus is seen", async () => {
  await open("run");
  await page.keyboard.press("Tab");
  const style = await page.locator(":focus").evaluate((element) => getComputedStyle(element));
  assert.notEqual(style.outlineStyle, "none");
});

test("two fingers zoom, and the point between them stays", async () => {
  await open("training");
  const target = await middle('[data-node="create_db_engine"]');
  const session = await context.newCDPSession(page);
  const before_ = await placed();
  const touch = (type, spread) => {
    const touchPoints = [-spread, spread].map((dx, id) => ({ x: target.x + dx, y: target.y, id }));
    return session.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: spread ? touchPoints : [],
    });
  };
  await touch("touchStart", 40);
  for (const spread of [50, 60, 70, 80]) await touch("touchMove", spread);
  await touch("touchEnd", 0);
  const now = await placed();
  assert.ok(Math.abs(now.scale / before_.scale - 2) < 0.1, `${before_.scale} to ${now.scale}`);
  const there = await middle('[data-node="create_db_engine"]');
  assert.ok(Math.abs(there.x - target.x) < 8, `${target.x} to ${there.x}`);
  assert.equal(await page.locator("#panel").isHidden(), true);
});

test("one finger drags, and a tap chooses", async () => {
  await open("training");
  const target = await middle('[data-node="load_players"]');
  await page.touchscreen.tap(target.x, target.y);
  assert.equal(await heading(), "3. load_players");
});

test("wheel and drag move the picture, and a drag chooses nothing", async () => {
  await open("training");
  const start = await placed();
  const target = await middle('[data-node="create_db_engine"]');
  await page.mouse.move(target.x, target.y);
  await page.mouse.wheel(0, -200);
  let zoomed = await placed();
  while (zoomed.scale === start.scale) zoomed = await placed(); // the wheel's event comes later
  assert.ok(zoomed.scale > start.scale);
  await page.mouse.down();
  await page.mouse.move(target.x + 50, target.y + 30, { steps: 5 });
  await page.mouse.up();
  const dragged = await placed();
  assert.ok(Math.abs(dragged.x - zoomed.x - 50) < 6, `${zoomed.x} to ${dragged.x}`);
  assert.ok(Math.abs(dragged.y - zoomed.y - 30) < 6, `${zoomed.y} to ${dragged.y}`);
  assert.equal(await page.locator("#panel").isHidden(), true);
});

test("search finds nodes, objects and config, and walks through what it found", async () => {
  await open("training");
  const search = page.locator("#search");
  const expected = [["ENGINE", 5], ["config.seed", 1], ["players", 2], ["nothing like it", 0]];
  for (const [words, found] of expected) {
    await search.fill(words);
    assert.equal(await page.locator("#matches").textContent(), `${found} found`, words);
  }
  await search.fill("engine");
  const seen = [];
  for (let turn = 0; turn < 5; turn += 1) {
    await search.press("Enter");
    seen.push(await heading());
  }
  assert.equal(new Set(seen).size, 5);
  await search.press("Shift+Enter");
  assert.equal(await heading(), seen[3]);
});

test("a plan has its counts in the heading and its reasons in the panel", async () => {
  await open("plan");
  assert.equal(
    await page.locator("#outcome").textContent(),
    "2 will run · 2 may run · 1 will reuse · saves about 3.10 s",
  );
  await page.locator('[data-node="rolling_goals"]').click({ position: { x: 20, y: 10 } });
  const panel = await page.locator("#panel").textContent();
  assert.match(panel, /will run · about 1\.30 s/);
  assert.match(panel, /config\.window changed: 5 -> 7/);
});

test("what hangs together is lit, all else is dim", async () => {
  await open("training");
  await page.locator('#stage [data-node="load_players"]').click({ position: { x: 20, y: 10 } });
  const opacity = (name) =>
    page.locator(`#stage [data-node="${name}"]`).evaluate((card) => getComputedStyle(card).opacity);
  assert.equal(await opacity("create_db_engine"), "1");
  assert.equal(await opacity("load_matches"), "0.25");
});

test("the timeline shows memory and the lives of objects", async () => {
  await open("run");
  const timeline = page.locator("#timeline");
  assert.ok((await timeline.locator("[data-object]").count()) >= 3);
  assert.equal(await timeline.locator(".lp-area").count(), 1);
  assert.match(await timeline.textContent(), /peak \+\d+ MiB with .* in memory/);
});

test("the first frame of 300 nodes, and frames while 400 are dragged", async (t) => {
  await open("three-hundred");
  const paint = await page.evaluate(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  );
  await open("four-hundred");
  const target = { x: view.width / 2, y: view.height / 2 };
  await page.evaluate(() => {
    window.frames_ = [];
    const tick = (now) => {
      window.frames_.push(now);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await page.mouse.move(target.x, target.y);
  await page.mouse.down();
  const begun = await page.evaluate(() => performance.now());
  for (let step = 1; step <= 60; step += 1) {
    await page.mouse.move(target.x + 3 * step, target.y + 2 * step);
  }
  const frames = await page.evaluate(
    (from) => window.frames_.filter((time) => time > from),
    begun,
  );
  await page.mouse.up();
  const seconds = (frames.at(-1) - frames[0]) / 1000;
  const rate = (frames.length - 1) / seconds;
  t.diagnostic(`first contentful paint of 300 nodes ${Math.round(paint)} ms`);
  t.diagnostic(`${frames.length} frames in ${seconds.toFixed(2)} s: ${rate.toFixed(0)} a second`);
  assert.ok(frames.length > 1);
});
