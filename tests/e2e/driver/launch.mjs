/** Starts Chromium (DevTools protocol over a pipe) or Firefox (WebDriver BiDi) with fake media. */

import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";

import puppeteer from "puppeteer-core";

import { writeMovingPicture } from "./picture.mjs";
import { killProcessesOf } from "./processes.mjs";

const GRACE_MS = 3_000;

const EXECUTABLES = {
  chromium: ["chromium", "chromium-browser", "google-chrome"],
  firefox: ["firefox-esr", "firefox"],
};

const CHROMIUM_ARGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  "--allow-loopback-in-peer-connection",
];

const FIREFOX_PREFS = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.peerconnection.ice.loopback": true,
  "media.autoplay.default": 0,
};

// Firefox's override of prefers-color-scheme; 2, its default, follows the desktop.
const FIREFOX_COLOR_SCHEME = { dark: 0, light: 1 };

function executableOf(browser) {
  for (const name of EXECUTABLES[browser]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter).concat("/usr/bin")) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not here: look in the next folder
      }
    }
  }
  throw new Error(`no ${browser} on the PATH (looked for ${EXECUTABLES[browser].join(", ")})`);
}

async function chromiumOptions(params, folder) {
  const args = [...CHROMIUM_ARGS];
  if (process.getuid() === 0) {
    args.push("--no-sandbox"); // Chromium refuses to run as root with its sandbox
  }
  if (params.ignoreCertificateErrors) {
    args.push("--ignore-certificate-errors"); // the session setting alone leaves out WebSockets
  }
  if (params.fakeVideo) {
    const file = join(folder, "camera.y4m");
    await writeMovingPicture(file, params.fakeVideo);
    args.push(`--use-file-for-fake-video-capture=${file}`);
  }
  return { browser: "chrome", pipe: true, args: [...args, ...(params.args ?? [])] };
}

function firefoxOptions(params) {
  const prefs = { ...FIREFOX_PREFS };
  if (params.fakeVideo) {
    prefs["media.navigator.video.default_width"] = params.fakeVideo.width;
    prefs["media.navigator.video.default_height"] = params.fakeVideo.height;
    prefs["media.navigator.video.default_fps"] = params.fakeVideo.fps;
  }
  if (params.colorScheme) {
    prefs["layout.css.prefers-color-scheme.content-override"] =
      FIREFOX_COLOR_SCHEME[params.colorScheme];
  }
  return {
    browser: "firefox",
    protocol: "webDriverBiDi",
    args: params.args ?? [],
    extraPrefsFirefox: { ...prefs, ...params.prefs },
  };
}

/** A folder of its own for everything a browser writes: profile, home and temporary files. */
async function workFolder() {
  const folder = await mkdtemp(join(tmpdir(), "jb-"));
  await Promise.all(["profile", "home", "tmp"].map((name) => mkdir(join(folder, name))));
  return folder;
}

function environment(folder) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("XDG_"));
  return {
    ...Object.fromEntries(inherited),
    HOME: join(folder, "home"),
    TMPDIR: join(folder, "tmp"),
    MOZ_CRASHREPORTER_DISABLE: "1",
  };
}

async function gone(folder, leader) {
  await killProcessesOf(leader, folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/**
 * Starts one browser.
 *
 * @param params browser, executable, args, prefs, headless, ignoreCertificateErrors, colorScheme
 *   ('light' | 'dark'), fakeVideo ({width, height, fps}), timeout_ms
 * @returns {Promise<{browser: import('puppeteer-core').Browser, close: () => Promise<void>}>}
 */
export async function launchBrowser(params) {
  if (!Object.hasOwn(EXECUTABLES, params.browser)) {
    throw new Error(`unknown browser ${params.browser}`);
  }
  const executablePath = params.executable ?? executableOf(params.browser);
  const folder = await workFolder();
  try {
    const specific =
      params.browser === "chromium"
        ? await chromiumOptions(params, folder)
        : firefoxOptions(params);
    const browser = await puppeteer.launch({
      ...specific,
      executablePath,
      headless: params.headless ?? true,
      userDataDir: join(folder, "profile"),
      acceptInsecureCerts: params.ignoreCertificateErrors ?? false,
      env: environment(folder),
      defaultViewport: { width: 1280, height: 800 },
      timeout: params.timeout_ms ?? 30_000,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    const leader = browser.process()?.pid;
    return { browser, close: () => closeBrowser(browser, folder, leader) };
  } catch (error) {
    await gone(folder, undefined);
    throw error;
  }
}

async function closeBrowser(browser, folder, leader) {
  // Asked politely first: a browser that ends by itself reaps its children.
  const polite = browser.close().catch(() => {});
  const { promise: late, resolve } = Promise.withResolvers();
  const timer = setTimeout(resolve, GRACE_MS);
  await Promise.race([polite, late]);
  clearTimeout(timer);
  await gone(folder, leader);
}
