/** Who may import whom; the table is the one in README.md. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "../src");

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  protocol: ["protocol"],
  xmpp: ["xmpp", "protocol", "problem.ts"],
  media: ["media", "protocol", "problem.ts", "xmpp/errors.ts"],
};

function* files(): Generator<string> {
  for (const entry of readdirSync(SOURCE, { recursive: true, encoding: "utf8" })) {
    if (entry.endsWith(".ts")) yield entry;
  }
}

function imports(file: string): string[] {
  const text = readFileSync(join(SOURCE, file), "utf8");
  return [...text.matchAll(/from "([^"]+)"/g)].map(([, path = ""]) => path);
}

it("rooms import only what they may", () => {
  const wrong: string[] = [];
  for (const file of files()) {
    const allowed = ALLOWED[file.split("/")[0] ?? ""];
    if (allowed === undefined) continue;
    for (const path of imports(file)) {
      if (!path.startsWith(".")) {
        if (!(file === "xmpp/connection.ts" && path === "strophe.js"))
          wrong.push(`${file}: ${path}`);
        continue;
      }
      const target = relative(SOURCE, resolve(SOURCE, dirname(file), path));
      const fits = allowed.some((room) => target === room || target.startsWith(`${room}/`));
      if (!fits) wrong.push(`${file}: ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

it("the protocol names nothing of a browser", () => {
  const browser =
    /\b(?:document|window|navigator|RTC[A-Z]\w+|Element\b(?!\()|setTimeout|Date|Math\.random)\b/;
  const found: string[] = [];
  for (const file of files()) {
    if (!file.startsWith("protocol/")) continue;
    const code = readFileSync(join(SOURCE, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    if (browser.test(code)) found.push(`${file}: ${browser.exec(code)?.[0]}`);
  }
  expect(found).toEqual([]);
});

it("no module is longer than 400 lines", () => {
  const long = [...files()].filter(
    (file) => readFileSync(join(SOURCE, file), "utf8").split("\n").length > 400,
  );
  expect(long).toEqual([]);
});
