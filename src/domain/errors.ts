/**
 * One base class and one table for every fault that may reach an operator or a caller. Codes are stable:
 * `docs/errors.md` lists exactly these, and a test holds the two together.
 */
export const ERRORS = {
  CONFIG_INVALID: {
    status: 500,
    retryable: false,
    hint: 'Mend the lines named above; `holdfast check` shows them all.',
  },
  CONFIG_UNREADABLE: { status: 500, retryable: false, hint: 'Name an existing file with --config.' },
  JOURNAL_LOCKED: {
    status: 500,
    retryable: false,
    hint: 'Another process owns this data directory. Stop it, or give this one a directory of its own.',
  },
  JOURNAL_UNUSABLE: {
    status: 500,
    retryable: false,
    hint: 'journal.directory must be a folder that this user may write to, with room for a few MiB.',
  },
  LISTEN_FAILED: {
    status: 500,
    retryable: false,
    hint: 'Another program listens there, or this user may not. Set http.port, ops.port or their host.',
  },
  JOURNAL_NOT_DURABLE: {
    status: 500,
    retryable: false,
    hint: 'The database could not be opened with synchronous=FULL in WAL mode; use a local file system that supports both.',
  },
  JOURNAL_SCHEMA_TOO_NEW: {
    status: 500,
    retryable: false,
    hint: 'The journal was written by a newer Holdfast. Start that version, or one after it.',
  },
  JOURNAL_DAMAGED: {
    status: 500,
    retryable: false,
    hint: 'The journal file is damaged. See "journal damaged" in docs/errors.md before anything else touches it.',
  },
  JOURNAL_IO: {
    status: 500,
    retryable: false,
    hint: 'The disk under the journal failed. Holdfast stops acknowledging and exits; what was acknowledged before is on disk.',
  },
  JOURNAL_FULL: {
    status: 503,
    retryable: true,
    hint: 'The journal is full: free disk space, raise journal.maxSize, or mend the subscriber whose backlog fills it. A disk that is full to the last page takes no change at all: there, free some space first.',
  },
  CLIENT_ID_CHANGED: {
    status: 500,
    retryable: false,
    hint: 'The old session may hold messages. Keep the old client id, or set session.adopt: true.',
  },
  SESSION_NOT_KEPT: {
    status: 500,
    retryable: false,
    hint: 'With MQTT 5 the broker forgets a session with expiry 0 at once. Set session.expiry to hours.',
  },
  HTTP_EXPOSED: {
    status: 500,
    retryable: false,
    hint: 'Give http.auth tokens, listen on 127.0.0.1, or say http.auth: none in words.',
  },
  REQUEST_INVALID: { status: 400, retryable: false, hint: 'Mend what `errors` lists.' },
  REQUEST_TIMEOUT: {
    status: 408,
    retryable: true,
    hint: 'Send the request faster, or raise http.limits.headersTimeout or http.limits.requestTimeout.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    retryable: false,
    hint: 'Send fewer or shorter headers, or raise http.limits.headers.',
  },
  CONTENT_TYPE_UNSUPPORTED: {
    status: 415,
    retryable: false,
    hint: 'Send JSON, with `Content-Type: application/json`; only POST /v1/publish/raw takes other types.',
  },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false, hint: 'Use one of the methods that `allow` lists.' },
  TOO_MANY_REQUESTS: {
    status: 429,
    retryable: true,
    hint: 'Wait for so many seconds as Retry-After says, or raise the token’s rateLimit.',
  },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false, hint: 'Send less, or raise publish.maxPayload.' },
  QOS_UNSUPPORTED: {
    status: 400,
    retryable: false,
    hint: 'Use QoS 1: an outbox promises at least once, and QoS 2 would promise more than a crash lets it keep.',
  },
  CONTRACT_FAILED: {
    status: 422,
    retryable: false,
    hint: 'Mend the payload: `problems` says what its contract has against it.',
  },
  RELOAD_REFUSED: {
    status: 422,
    retryable: false,
    hint: 'Mend what `problems` lists, each with its place and a mend; until then nothing has changed.',
  },
  RELOAD_INCOMPLETE: {
    status: 503,
    retryable: true,
    hint: 'What `changed` lists is in force; what `problems` lists is as it was. Mend what it says, and reload again: that tries the rest.',
  },
  CONTRACT_UNCHECKED: {
    status: 503,
    retryable: true,
    hint: 'Nothing was kept. The contract thread is busy or being replaced; try again later.',
  },
  TOPIC_FORBIDDEN: {
    status: 403,
    retryable: false,
    hint: 'Add a filter that matches the topic to publish.allow, and to the token’s publish if it has one.',
  },
  UNAUTHORIZED: {
    status: 401,
    retryable: false,
    hint: 'Send `Authorization: Bearer <token>` with a token from http.auth.tokens.',
  },
  FORBIDDEN: {
    status: 403,
    retryable: false,
    hint: 'The token lacks the scope this call needs, or a web page of another origin calls.',
  },
  HOST_FORBIDDEN: {
    status: 403,
    retryable: false,
    hint: 'Call by address or as localhost, add the name to http.allowedHosts, or give http.auth tokens.',
  },
  NOT_FOUND: { status: 404, retryable: false, hint: 'Look at the address: nothing is here.' },
  REPLAY_EMPTY: {
    status: 409,
    retryable: false,
    hint: 'Only what was given before is given again: name an earlier position or time, or look at GET /v1/records.',
  },
  REPLAYS_FULL: {
    status: 409,
    retryable: false,
    hint: 'Wait for the replays of this subscriber to end, or end them with DELETE /v1/subscribers/{id}/replay.',
  },
  STREAMS_FULL: {
    status: 503,
    retryable: true,
    hint: 'Close a stream, or pages of the console, whose bound is fixed. Only that of /v1/stream is raised by http.stream.maxClients and maxPerToken.',
  },
  BODIES_FULL: {
    status: 503,
    retryable: true,
    hint: 'Send bodies faster and fewer at once, or raise http.limits.inHand.',
  },
  URL_FORBIDDEN: {
    status: 403,
    retryable: false,
    hint: 'Add the host or network to registration.allow in the configuration file, or put the subscriber into the file.',
  },
  SUBSCRIBER_READ_ONLY: {
    status: 409,
    retryable: false,
    hint: 'Change it where it comes from: the configuration file, or the app that has the handler.',
  },
  SUBSCRIBER_ABSENT: {
    status: 409,
    retryable: false,
    hint: 'Put it back into the configuration file, register it under its id, or remove it with ?discardBacklog=true.',
  },
  SUBSCRIBER_LIMIT: { status: 409, retryable: false, hint: 'Remove a subscriber that is no longer needed.' },
  BACKLOG_WOULD_BE_LOST: {
    status: 409,
    retryable: false,
    hint: 'Wait until its backlog is delivered, or give it up with ?discardBacklog=true.',
  },
  OUTBOX_FULL: {
    status: 503,
    retryable: true,
    hint: 'Too many publishes wait for the broker. Try again later, or raise publish.outbox.',
  },
  IN_FLIGHT_FULL: {
    status: 429,
    retryable: true,
    hint: 'Wait for answers before sending more, or raise publish.inFlight or publish.request.maxWaiting or maxPerToken.',
  },
  KEYS_FULL: {
    status: 503,
    retryable: true,
    hint: 'Keys are remembered for 24 hours. Raise publish.outbox.maxKeyBytes, or leave Idempotency-Key out.',
  },
  KEY_IN_USE: {
    status: 409,
    retryable: true,
    hint: 'The first request with this Idempotency-Key has no answer yet. Ask again, and be told the same.',
  },
  KEY_REUSED: {
    status: 422,
    retryable: false,
    hint: 'Another request had this Idempotency-Key within 24 hours. Take a new key for every publish.',
  },
  RESPONSE_TIMEOUT: {
    status: 504,
    retryable: false,
    hint: 'No answer came in time. The request may have been carried out; it is not sent any more.',
  },
  REQUEST_UNSUPPORTED: {
    status: 501,
    retryable: false,
    hint: 'Requests need MQTT 5: set broker.protocol, or publish with a response topic of your own and subscribe to it.',
  },
  RESPONSES_DENIED: {
    status: 502,
    retryable: false,
    hint: 'Let the gateway subscribe below publish.request.responseTopic at the broker; it asks again every minute.',
  },
  PUBLISH_EXPIRED: {
    status: 504,
    retryable: false,
    hint: 'Its expirySeconds ran out before the broker had taken it; it will not be sent any more.',
  },
  LINK_DOWN: {
    status: 503,
    retryable: true,
    hint: 'QoS 0 and requests are not queued while the link is down. Use QoS 1 to have a publish kept, or try again.',
  },
  PUBLISH_REFUSED: { status: 502, retryable: false, hint: 'The broker refused the publish; `cause` says why.' },
  DOCTOR_RUNNING: { status: 409, retryable: true, hint: 'Wait for the examination that is under way to end.' },
  CONSOLE_NOT_BUILT: { status: 503, retryable: false, hint: 'Build it: `npm run build` makes the page, too.' },
  NOT_STARTED: {
    status: 503,
    retryable: true,
    hint: 'The gateway inside the app starts when the app has started, and a connected HoldfastTransport with app.startAllMicroservices().',
  },
  SHUTTING_DOWN: { status: 503, retryable: true, hint: 'The gateway is stopping. Try again when it is back.' },
  INTERNAL: {
    status: 500,
    retryable: false,
    hint: 'This is a defect in Holdfast; the log has the details under the same request id.',
  },
} as const satisfies { [code: string]: { status: number; retryable: boolean; hint: string } };

export type ErrorCode = keyof typeof ERRORS;

export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly details: { [name: string]: unknown };

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: { [name: string]: unknown } } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  get hint(): string {
    return ERRORS[this.code].hint;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}
