/** Composition root of the page. */
import { loadConfig } from "./config.ts";
import { browserSource, type MediaSource } from "./media/capture.ts";
import { App } from "./ui/app.ts";
import { readParameters } from "./ui/parameters.ts";
import { ProblemBox } from "./ui/status.ts";

/** What `?debug` puts on the window, for tests and developers. */
interface DebugHandle {
  readonly call: App["call"];
  readonly stats: App["stats"];
  /** Set before a call to use another picture and sound than the devices'. */
  mediaSource: MediaSource | undefined;
}

declare global {
  interface Window {
    jinglebridge?: DebugHandle;
  }
}

async function main(): Promise<void> {
  const parameters = readParameters(location.search);
  let config: Awaited<ReturnType<typeof loadConfig>>;
  try {
    config = await loadConfig(document.baseURI);
  } catch (error) {
    new ProblemBox().showError(error);
    return;
  }
  const debug = parameters.debug
    ? { mediaSource: undefined as MediaSource | undefined }
    : undefined;
  const app = new App(config, parameters, (constraints) =>
    (debug?.mediaSource ?? browserSource)(constraints),
  );
  if (debug === undefined) return;
  window.jinglebridge = {
    get call() {
      return app.call;
    },
    stats: () => app.stats(),
    get mediaSource() {
      return debug.mediaSource;
    },
    set mediaSource(source) {
      debug.mediaSource = source;
    },
  };
}

void main();
