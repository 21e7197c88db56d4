/**
 * Ends a browser with everything it started.
 *
 * A browser's helpers leave its process group (zygotes, fork servers) and are adopted by init when
 * the browser dies first, so they are found by four traces: ancestry, process group, session, and the
 * browser's own work folder in the environment they inherited.
 */

import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const KILL_DEADLINE_MS = 5_000;
const KILL_POLL_MS = 20;

/** One row per live process: {pid, parent, group, session}. */
async function processTable() {
  const entries = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const rows = await Promise.all(entries.map(processRow));
  return rows.filter((row) => row !== null);
}

async function processRow(entry) {
  let stat;
  try {
    stat = await readFile(`/proc/${entry}/stat`, "utf8");
  } catch {
    return null; // it ended between the listing and the read
  }
  // The command name is in parentheses and may hold spaces and parentheses itself.
  const [state, parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") {
    return null; // dead already; reaping it is its parent's business
  }
  return {
    pid: Number(entry),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
  };
}

async function livesIn(folder, pid) {
  try {
    return (await readFile(`/proc/${pid}/environ`, "latin1")).includes(folder);
  } catch {
    return false; // ended, or belongs to somebody else
  }
}

/**
 * The live processes of one browser.
 *
 * @param {number | undefined} leader pid of the browser's main process, which leads its own group
 * @param {string} folder work folder of that browser, unique to it
 * @returns {Promise<Set<number>>} their pids
 */
export async function processesOf(leader, folder) {
  const table = await processTable();
  const found = new Set();
  await Promise.all(
    table.map(async ({ pid, group, session }) => {
      const led = leader !== undefined && [pid, group, session].includes(leader);
      if (pid !== process.pid && (led || (await livesIn(folder, pid)))) {
        found.add(pid);
      }
    }),
  );
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of table) {
      if (found.has(parent)) {
        found.add(pid);
      }
    }
  }
  return found;
}

/**
 * Kills the processes of one browser and returns when none is left.
 *
 * @throws {Error} when some outlive the deadline
 */
export async function killProcessesOf(leader, folder) {
  const deadline = Date.now() + KILL_DEADLINE_MS;
  let living = await processesOf(leader, folder);
  while (living.size > 0) {
    if (Date.now() > deadline) {
      throw new Error(`browser processes survive SIGKILL: ${[...living].join(", ")}`);
    }
    for (const pid of living) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if (error.code !== "ESRCH") {
          throw error;
        }
      }
    }
    await sleep(KILL_POLL_MS);
    living = await processesOf(leader, folder);
  }
}
