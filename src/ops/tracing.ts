import type { Link, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { Counter, type Registry } from 'prom-client';
import { randomBytes } from 'node:crypto';
import type { Outcome } from '../domain/attempt.js';
import { HoldfastError } from '../domain/errors.js';
import type { Publish } from '../domain/publish.js';
import type { Record } from '../domain/record.js';
import type { TracingSettings } from '../domain/settings.js';
import { topicMatches } from '../domain/topic.js';
import {
  isSampled,
  originOf,
  sendSpanIdOf,
  spanRefOf,
  traceparentOf,
  type CheckedMark,
  type ReceivedMark,
  type SentMark,
  type SpanRef,
} from '../domain/trace.js';

/** Spans that wait for the collector at once; one more is given up, and counted. */
const WAITING_MAX = 2_048;
const EXPORT_MS_MAX = 5_000;
const DELAY_MS = 1_000;
/** A batch has a link for each of its records. */
const LINKS_MAX = 10_000;

export interface TracingParts {
  settings: TracingSettings;
  version: string;
  clientId: () => string;
  /** Filters of the subscriptions, which may change, and of what may be published: they name spans, because topics are too many. */
  filters: { received: () => readonly string[]; published: readonly string[] };
  /** Spans are lost, so many. @param why the collector's answer; undefined: it does not keep up */
  lost: (count: number, why: string | undefined) => void;
}

interface Spec {
  name: string;
  kind: 'INTERNAL' | 'CLIENT' | 'PRODUCER' | 'CONSUMER';
  self: Omit<SpanRef, 'sampled'>;
  parent?: SpanRef | undefined;
  links?: readonly SpanRef[];
  from: number;
  to: number;
  attributes: { [name: string]: string | number | boolean };
  /** Why it failed. */
  error?: string | undefined;
}

/** Counts what is lost; there from the start, also when nothing is traced. */
export class TraceMetrics {
  readonly #dropped: Counter;

  constructor(registry: Registry) {
    this.#dropped = new Counter({
      name: 'holdfast_traces_dropped_total',
      help: 'Spans that the collector was not given: it does not keep up, or does not take them.',
      registers: [registry],
    });
  }

  dropped(count: number): void {
    this.#dropped.inc(count);
  }
}

/** Loads OpenTelemetry: what traces nothing does not. Nothing global is touched, an app around the gateway has its own. */
export async function startTracing(parts: TracingParts): Promise<Tracing> {
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const { settings, version, lost } = parts;
  const otlp = new OTLPTraceExporter({
    ...{ url: settings.endpoint, headers: settings.headers, timeoutMillis: EXPORT_MS_MAX, concurrencyLimit: 8 },
  });
  let waiting = 0;
  const exporter: SpanExporter = {
    export: (spans: ReadableSpan[], done) =>
      otlp.export(spans, ({ code, error }) => {
        waiting -= spans.length;
        if (Number(code) !== 0) lost(spans.length, error?.message ?? 'it was not taken');
        done({ code: 0 }); // it was told; the SDK would tell it globally
      }),
    shutdown: () => otlp.shutdown(),
  };
  const batches = new sdk.BatchSpanProcessor({
    ...{ exporter, maxQueueSize: WAITING_MAX, scheduledDelayMillis: DELAY_MS, exportTimeoutMillis: 2 * EXPORT_MS_MAX },
  });
  const bounded = {
    onStart: () => undefined,
    onEnd: (span: ReadableSpan) => {
      if (waiting >= WAITING_MAX) return lost(1, undefined);
      waiting++;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
  let next: Omit<SpanRef, 'sampled'>;
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': settings.service, 'service.version': version }),
    sampler: new sdk.AlwaysOnSampler(), // it is decided here, by the id
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    spanLimits: { linkCountLimit: LINKS_MAX },
    spanProcessors: [bounded],
  });
  const tracer = provider.getTracer('holdfast', version);
  const write = ({ name, kind, self, parent, links = [], from, to, attributes, error }: Spec): void => {
    next = self;
    const context = parent ? api.trace.setSpanContext(api.ROOT_CONTEXT, contextOf(parent)) : api.ROOT_CONTEXT;
    const linked = links.map((link): Link => ({ context: contextOf(link) }));
    const options = { kind: api.SpanKind[kind], startTime: from, links: linked, attributes };
    const span = tracer.startSpan(name, options, context);
    if (error !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: error });
    span.end(Math.max(from, to));
  };
  return new Tracing(parts, write, () => provider.shutdown());
}

function contextOf({ traceId, spanId, sampled }: SpanRef): SpanContext {
  return { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true };
}

/** Makes spans of what has happened. Nothing waits for it. */
export class Tracing {
  constructor(
    private readonly parts: TracingParts,
    private readonly write: (span: Spec) => void,
    private readonly shutdown: () => Promise<void>,
  ) {}

  received(marks: readonly ReceivedMark[]): void {
    for (const { id, topic, receivedAt, begun, committed, parent } of marks) {
      const origin = originOf(id);
      const cause = parent === undefined ? undefined : spanRefOf(parent);
      const filter = named(topic, this.parts.filters.received());
      const attributes = { ...this.#mqtt(id, filter), 'messaging.operation.type': 'receive' };
      const links = cause ? [cause] : [];
      const name = `receive ${filter}`;
      this.write({ name, kind: 'CONSUMER', self: origin, links, from: receivedAt, to: committed, attributes });
      this.#part(origin, { name: 'journal', kind: 'INTERNAL', from: begun, to: committed, attributes: {} });
    }
  }

  checked(marks: readonly CheckedMark[]): void {
    for (const { id, contract, begun, ended, reason } of marks) {
      const attributes = { 'holdfast.contract': contract, ...(reason === undefined ? {} : { 'error.type': reason }) };
      const times = { from: begun, to: ended };
      this.#part(originOf(id), { name: `contract ${contract}`, kind: 'INTERNAL', ...times, attributes, error: reason });
    }
  }

  /** A publish enters the outbox. @returns it, with what tells its receiver where it comes from; and what to call then */
  publishing(publish: Publish): { publish: Publish; done: (error?: unknown) => void } {
    const { trace, ...plain } = publish;
    const { asked, self } = this.#publish(publish);
    const sent = self.sampled ? traceparentOf({ ...self, spanId: sendSpanIdOf(publish.id) }) : trace;
    const done = (error?: unknown): void => {
      const filter = named(publish.topic, this.parts.filters.published);
      const attributes = { ...this.#mqtt(publish.id, filter), 'messaging.operation.type': 'create' };
      const times = { from: publish.acceptedAt, to: Date.now() };
      const failure = error === undefined ? undefined : error instanceof HoldfastError ? error.code : 'INTERNAL';
      const parent = asked && { parent: asked };
      this.write({
        name: `publish ${filter}`,
        kind: 'PRODUCER',
        self,
        ...parent,
        ...times,
        attributes,
        error: failure,
      });
    };
    const passed = sent === undefined ? plain : withContext(plain, sent);
    return { publish: passed, done: self.sampled ? done : () => undefined };
  }

  /** The span of a publish that entered the outbox; undefined: it is not sampled. */
  spanOf(publish: Pick<Publish, 'id' | 'trace'>): SpanRef | undefined {
    const { self } = this.#publish(publish);
    return self.sampled ? self : undefined;
  }

  /** What asked for it, and its own span. */
  #publish({ id, trace }: Pick<Publish, 'id' | 'trace'>): { asked: SpanRef | undefined; self: SpanRef } {
    const asked = trace === undefined ? undefined : spanRefOf(trace);
    const { traceId, spanId } = originOf(id);
    const sampled = asked ? asked.sampled : isSampled(id, this.parts.settings.sample);
    return { asked, self: { traceId: asked?.traceId ?? traceId, spanId, sampled } };
  }

  sent(marks: readonly SentMark[]): void {
    for (const { id, parent, sentAt, answeredAt, outcome, reasonCode } of marks) {
      const self = spanRefOf(parent);
      if (!self?.sampled || self.spanId !== sendSpanIdOf(id)) continue; // the publisher's own
      const attributes = { ...this.#mqtt(id), 'messaging.operation.type': 'send', 'mqtt.reason_code': reasonCode };
      const error = outcome === 'published' ? undefined : outcome;
      const publish = { ...self, spanId: originOf(id).spanId };
      const times = { from: sentAt, to: answeredAt };
      this.write({ name: 'send', kind: 'CLIENT', self, parent: publish, ...times, attributes, error });
    }
  }

  /**
   * An attempt begins. Of one record it belongs to the record's trace; of several, and of what is given again, it is a
   * trace of its own that is linked to those of the records. @returns undefined: it is not sampled
   */
  attempting(
    subscriber: string,
    records: readonly Record[],
    { attempt, replay }: { attempt: number; replay: boolean },
  ): { traceparent: string; done: (outcome: Outcome) => void } | undefined {
    const origins = records.filter(({ id }) => isSampled(id, this.parts.settings.sample)).map(({ id }) => originOf(id));
    if (origins.length === 0) return undefined;
    const [only] = records.length === 1 && !replay ? origins : [];
    const self = { traceId: only?.traceId ?? randomBytes(16).toString('hex'), spanId: newSpanId(), sampled: true };
    const from = Date.now();
    const done = (outcome: Outcome): void => {
      const status = 'status' in outcome ? outcome.status : 0;
      const attributes = {
        ...{ 'holdfast.subscriber': subscriber, 'holdfast.attempt': attempt, 'holdfast.outcome': outcome.kind },
        ...(replay ? { 'holdfast.replay': true } : {}),
        ...(status > 0 ? { 'http.response.status_code': status } : {}),
        ...(records.length > 1 ? { 'messaging.batch.message_count': records.length } : this.#mqtt(records[0]!.id)),
      };
      const error = outcome.kind === 'delivered' ? undefined : 'reason' in outcome ? outcome.reason : outcome.kind;
      const place = only ? { parent: only } : { links: origins };
      const name = `deliver ${subscriber}`;
      this.write({ name, kind: 'CLIENT', self, ...place, from, to: Date.now(), attributes, error });
    };
    return { traceparent: traceparentOf(self), done };
  }

  /** Gives the collector what waits. What it does not take in time is lost: see `within`. */
  stop(): Promise<void> {
    return this.shutdown();
  }

  #part(parent: SpanRef, span: Omit<Spec, 'self' | 'parent'>): void {
    this.write({ ...span, self: { traceId: parent.traceId, spanId: newSpanId() }, parent });
  }

  #mqtt(id: string, filter?: string): { [name: string]: string } {
    return {
      ...{ 'messaging.system': 'mqtt', 'messaging.message.id': id, 'messaging.client.id': this.parts.clientId() },
      ...(filter === undefined ? {} : { 'messaging.destination.template': filter }),
    };
  }
}

function newSpanId(): string {
  return randomBytes(8).toString('hex');
}

function named(topic: string, filters: readonly string[]): string {
  return filters.find((filter) => topicMatches(filter, topic)) ?? '(none)';
}

/** A context of the caller's own is what it wants to be known by. */
function withContext(publish: Publish, traceparent: string): Publish {
  const { properties } = publish;
  const known = properties?.userProperties ?? [];
  if (known.some(([name]) => name === 'traceparent')) return publish;
  const userProperties: [string, string][] = [...known, ['traceparent', traceparent]];
  return { ...publish, properties: { ...properties, userProperties } };
}
