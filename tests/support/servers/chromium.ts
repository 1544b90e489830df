import { RealProcess } from "./real_process.ts";

/** Chromium, without a window. */
export interface Chromium extends AsyncDisposable {
  readonly process: RealProcess;
  /** The address of its DevTools, such as `http://127.0.0.1:9222`. */
  readonly http: string;
  /** The address of the connection. */
  readonly url: string;
}

/** Starts Chromium; at port 0 its DevTools listen at any free port. */
export async function startChromium(port = 0): Promise<Chromium> {
  const process = await RealProcess.start({
    program: "chromium",
    args: (folder) => [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
      ...["--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync"],
      ...["--disable-crash-reporter", "--disable-dev-shm-usage"],
      ...[`--remote-debugging-port=${port}`, `--user-data-dir=${folder}/data`],
    ],
    ready: /^DevTools listening on (ws:\/\/([^/]+)\S+)/,
  });
  try {
    const [, url = "", host] = await process.ready();
    const dispose = () => process[Symbol.asyncDispose]();
    const http = `http://${host}`;
    return { process, http, url, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
}
