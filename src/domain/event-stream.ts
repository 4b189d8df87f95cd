/** Server-Sent Events, as every stream of the gateway's sends them. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  connection: 'close', // kept open after its end it would keep the gateway from stopping
  'x-accel-buffering': 'no', // a proxy that gathers would keep events back
};

/** What an answer must do; a ServerResponse is one. */
export interface Sink {
  write(text: string): boolean;
  end(): void;
  /** Cuts it off: what it has not taken is lost. */
  destroy(): void;
  readonly writableNeedDrain: boolean;
  /** So much of what was written has not left the process. */
  readonly writableLength: number;
  readonly destroyed: boolean;
  on(event: 'drain' | 'close', listener: () => void): unknown;
}
