/**
 * Drives one browser over JSON lines: {id, method, params} on stdin, {id, result} or {id, error} on
 * stdout. Requests run concurrently. The browser ends with `close`, with stdin, or on a signal.
 */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { launchBrowser } from "./launch.mjs";

const DEFAULT_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const MAX_MESSAGES = 2_000;
// What reportViolations writes, and the browsers' own words for the same.
const VIOLATION = /^\[csp\] |Content[- ]Security[- ]Policy/;

const session = { launching: null, running: null, kind: null, colorScheme: null, closing: null };
const pages = new Map();
let pageCount = 0;

/** Rejects when the work takes longer than the time it was given. */
async function within(timeoutMs, what, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took longer than ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function shortened(text, limit = 200) {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

function pageOf(params) {
  const entry = pages.get(params.page);
  if (entry === undefined) {
    throw new Error(`no page ${params.page}`);
  }
  return entry;
}

/** Evaluates in the page and carries the value as JSON text, alike in both browsers. */
async function evaluated(page, expression) {
  const body = expression.trim().replace(/;+$/, "");
  const reply = await page.evaluate(`(async () => {
    try {
      return JSON.stringify({ value: await (${body}
      ) });
    } catch (error) {
      const text = error instanceof Error || error instanceof DOMException
        ? error.name + ': ' + error.message + (error.stack ? '\\n' + error.stack : '')
        : String(error);
      return JSON.stringify({ error: text });
    }
  })()`);
  const { value = null, error } = JSON.parse(reply);
  if (error !== undefined) {
    throw new Error(`${shortened(expression)}: ${error}`);
  }
  return value;
}

/** Runs in every page before its own scripts: names violations alike in both browsers. */
function reportViolations() {
  addEventListener("securitypolicyviolation", (event) => {
    const where = `${event.sourceFile || event.documentURI}:${event.lineNumber}`;
    // biome-ignore lint/suspicious/noConsole: the page's console is what the driver listens to
    console.error(`[csp] ${event.effectiveDirective} blocked ${event.blockedURI} at ${where}`);
  });
}

function collectMessages(page) {
  const messages = [];
  const note = (kind, text, url = "") => {
    messages.push({ kind, text, url });
    if (messages.length > MAX_MESSAGES) {
      messages.shift();
    }
  };
  page.on("console", (message) => {
    const text = message.text();
    note(VIOLATION.test(text) ? "csp" : message.type(), text, message.location().url);
  });
  page.on("pageerror", (error) => {
    const text = error?.stack ?? String(error);
    note(VIOLATION.test(text) ? "csp" : "pageerror", text, page.url());
  });
  page.on("error", (error) => note("crash", String(error), page.url()));
  page.on("dialog", (dialog) => {
    note("dialog", dialog.message(), page.url());
    dialog.accept().catch(() => {}); // an open dialog would stop the page; gone with it at close
  });
  return messages;
}

/** Every URL that the page asks for, WebSockets where the browser tells of them. */
function collectRequests(page) {
  const urls = [];
  page.on("request", (request) => {
    urls.push(request.url());
    if (urls.length > MAX_MESSAGES) {
      urls.shift();
    }
  });
  return urls;
}

function requireBrowser() {
  if (session.running === null) {
    throw new Error("no browser was launched");
  }
  return session.running.browser;
}

async function emulate(page, colorScheme) {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: colorScheme }]);
}

const methods = {
  async launch(params) {
    if (session.launching !== null) {
      throw new Error("a browser was launched already");
    }
    const started = performance.now();
    session.launching = launchBrowser(params);
    session.running = await session.launching;
    session.kind = params.browser;
    session.colorScheme = params.colorScheme ?? null;
    const { browser } = session.running;
    return {
      pid: browser.process()?.pid ?? null,
      version: await browser.version(),
      launchMs: Math.round(performance.now() - started),
    };
  },

  async newPage() {
    // A window each: a tab behind another one gets no animation frames.
    const page = await requireBrowser().newPage({ type: "window" });
    const messages = collectMessages(page);
    const requests = collectRequests(page);
    await page.evaluateOnNewDocument(reportViolations);
    if (session.kind === "chromium" && session.colorScheme !== null) {
      await emulate(page, session.colorScheme);
    }
    pageCount += 1;
    const name = `page-${pageCount}`;
    pages.set(name, { page, messages, requests });
    return { page: name };
  },

  async goto(params, timeoutMs) {
    const { page } = pageOf(params);
    const response = await page.goto(params.url, { timeout: timeoutMs, waitUntil: "load" });
    return { status: response?.status() ?? null };
  },

  async evaluate(params, timeoutMs) {
    const work = evaluated(pageOf(params).page, params.expression);
    return await within(timeoutMs, shortened(params.expression), work);
  },

  async waitFor(params, timeoutMs) {
    const { page } = pageOf(params);
    const deadline = performance.now() + timeoutMs;
    let last = "never evaluated";
    for (;;) {
      const left = deadline - performance.now();
      if (left <= 0) {
        const what = shortened(params.expression);
        throw new Error(`${what} did not become true within ${timeoutMs} ms; last: ${last}`);
      }
      try {
        const value = await within(left, "one evaluation", evaluated(page, params.expression));
        if (value) {
          return value;
        }
        last = shortened(JSON.stringify(value));
      } catch (error) {
        if (page.isClosed()) {
          throw error;
        }
        last = error.message; // the element may be yet to come, or the page on its way elsewhere
      }
      await sleep(POLL_MS);
    }
  },

  async click(params, timeoutMs) {
    await pageOf(params).page.locator(params.selector).setTimeout(timeoutMs).click();
    return null;
  },

  async type(params, timeoutMs) {
    const { page } = pageOf(params);
    await page.locator(params.selector).setTimeout(timeoutMs).wait();
    await within(timeoutMs, "typing", page.type(params.selector, params.text));
    return null;
  },

  async press(params, timeoutMs) {
    await within(timeoutMs, "pressing", pageOf(params).page.keyboard.press(params.key));
    return null;
  },

  async screenshot(params, timeoutMs) {
    const options = { path: params.path, fullPage: params.fullPage ?? false };
    await mkdir(dirname(params.path), { recursive: true });
    await within(timeoutMs, "the screenshot", pageOf(params).page.screenshot(options));
    return null;
  },

  async setViewport(params, timeoutMs) {
    const { width, height } = params;
    await within(timeoutMs, "resizing", pageOf(params).page.setViewport({ width, height }));
    return null;
  },

  async emulateMedia(params, timeoutMs) {
    const { page } = pageOf(params);
    if (session.kind === "firefox") {
      throw new Error("Firefox takes its colour scheme at launch: launch with colorScheme");
    }
    await within(timeoutMs, "emulating", emulate(page, params.colorScheme));
    return null;
  },

  async consoleMessages(params) {
    return pageOf(params).messages;
  },

  async requests(params) {
    return pageOf(params).requests;
  },

  async closePage(params, timeoutMs) {
    const { page } = pageOf(params);
    pages.delete(params.page);
    await within(timeoutMs, "closing the page", page.close());
    return null;
  },

  async close() {
    await closeSession();
    return null;
  },
};

function closeSession() {
  session.closing ??= (async () => {
    // A launch under way has to end first: only then are its processes known. If it failed, it
    // has cleaned up after itself.
    const running = await session.launching?.catch(() => null);
    pages.clear();
    await running?.close();
  })();
  return session.closing;
}

async function answer(line) {
  let id = null;
  try {
    const request = JSON.parse(line);
    id = request.id;
    if (!Object.hasOwn(methods, request.method)) {
      throw new Error(`unknown method ${request.method}`);
    }
    if (session.closing !== null && request.method !== "close") {
      throw new Error("the browser is closing");
    }
    const params = request.params ?? {};
    const result = await methods[request.method](params, params.timeout_ms ?? DEFAULT_TIMEOUT_MS);
    send({ id, result });
  } catch (error) {
    send({ id, error: error?.message ?? String(error) });
  }
}

function send(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function report(error) {
  process.stderr.write(`${error?.stack ?? error}\n`);
}

async function quit(code) {
  try {
    await closeSession();
    process.exit(code);
  } catch (error) {
    report(error);
    process.exit(1);
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => quit(0));
}
process.stdout.on("error", () => quit(1)); // nobody reads the answers any more
process.on("unhandledRejection", (error) => {
  // What was under way when the browser went is rejected by the library where nobody waits.
  if (session.closing === null) {
    report(error);
  }
});

const lines = createInterface({ input: process.stdin });
lines.on("line", answer);
lines.on("close", () => quit(0));
