import type { RequestListener, Server } from 'node:http';
import { Module, UnsupportedMediaTypeException, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { LoggerModule } from 'nestjs-pino';
import type { Logger } from 'pino';
import { AsyncApiController, AsyncApiView } from './asyncapi/index.js';
import { subscriberSchemas } from './config/index.js';
import {
  ConfigController,
  DoctorController,
  Examiner,
  GatewayView,
  LiveController,
  LiveFeed,
  PageController,
  PageFiles,
  ReadController,
  ReloadController,
  Reloader,
  StatusController,
} from './console/index.js';
import { HoldfastError } from './domain/errors.js';
import { parseJsonBody, withoutByteOrderMark } from './domain/json-body.js';
import type { Refusal } from './domain/refusal.js';
import { ApiDescription, describeOpenApi, OpenApiController, pageOf, type DescribedRoute } from './openapi/index.js';
import { nestLogger } from './ops/index.js';
import { keepBody, Problems, Publisher, PublishController, RequestController, Requester } from './publish/index.js';
import { History, historyControllers } from './records/index.js';
import { Registry, SubscribersController } from './registration/index.js';
import {
  actions,
  AuthGuard,
  Callers,
  door,
  FaultLog,
  problemDetails,
  ProblemFilter,
  refuseUnrouted,
  requestIdOf,
  RestServer,
  type RestServerSettings,
  routesOf,
  RouteTable,
} from './rest/index.js';
import { VERSION } from './version.js';

/** A JSON body around a payload in base64, and the other properties. */
const BODY_OVERHEAD_BYTES = 256 * 1024;

/** Each method of each says what a call of it needs: see `Access`. */
export const CONTROLLERS = [
  PublishController,
  RequestController,
  ReadController,
  StatusController,
  LiveController,
  ConfigController,
  DoctorController,
  AsyncApiController,
  ReloadController,
  PageController,
  OpenApiController,
  SubscribersController,
  ...historyControllers,
];

/** What the REST surface is made of; the gateway binds it. */
export interface AppParts {
  publisher: Publisher;
  requester: Requester;
  view: GatewayView;
  live: LiveFeed;
  examiner: Examiner;
  asyncApi: AsyncApiView;
  history: History;
  registry: Registry;
  reloader: Reloader;
  http: RestServerSettings;
  callers: Callers;
  maxPayloadBytes: number;
  /** Told of calls that are refused at the door. */
  refused: (why: Refusal) => void;
  logger: Logger;
  /** Another Nest app is in this process: Nest's logger, of which a process has one, stays as it is. */
  embedded?: boolean;
}

/** The REST surface: binds the rooms' controllers to the running gateway. */
@Module({})
export class AppModule {
  static of(parts: AppParts): DynamicModule {
    const { publisher, requester, view, live, examiner, asyncApi, history, registry, reloader, callers, logger } =
      parts;
    const faults: FaultLog = {
      fault: (err, request) => logger.error({ err, ...request }, 'a request failed inside the gateway'),
    };
    const pinoHttp = { logger, customLogLevel: () => 'debug' as const, genReqId: requestIdOf };
    return {
      module: AppModule,
      // Requests are told at debug level: at info they would drown what an operator looks for.
      imports: logger.isLevelEnabled('debug') ? [LoggerModule.forRoot({ pinoHttp })] : [],
      controllers: CONTROLLERS,
      providers: [
        { provide: Publisher, useValue: publisher },
        { provide: Requester, useValue: requester },
        { provide: Problems, useValue: { of: (error) => problemDetails(error) } satisfies Problems },
        { provide: GatewayView, useValue: view },
        { provide: LiveFeed, useValue: live },
        { provide: Examiner, useValue: examiner },
        { provide: PageFiles, useValue: new PageFiles() },
        { provide: AsyncApiView, useValue: asyncApi },
        { provide: ApiDescription, useValue: descriptionOf(parts.http) },
        { provide: History, useValue: history },
        { provide: Registry, useValue: registry },
        { provide: Reloader, useValue: reloader },
        { provide: Callers, useValue: callers },
        { provide: FaultLog, useValue: faults },
        { provide: APP_GUARD, useClass: AuthGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}

/** What describes the REST surface; made when somebody asks for it. */
function descriptionOf({ auth, tls, allowedHosts }: RestServerSettings): ApiDescription {
  const tokens = typeof auth === 'object';
  const schemas = subscriberSchemas('#/components/schemas/');
  const namesChecked = !tokens || allowedHosts.length > 0;
  const surface = { version: VERSION, tokens, clientCertificates: tls?.clientCa !== undefined, namesChecked, schemas };
  const made = (): object => describeOpenApi(routesOf(CONTROLLERS) as DescribedRoute[], surface);
  let document: Buffer | undefined;
  let page: Buffer | undefined;
  return {
    get document() {
      return (document ??= Buffer.from(JSON.stringify(made())));
    },
    get page() {
      return (page ??= Buffer.from(pageOf(made())));
    },
  };
}

/** The REST surface, ready to listen, and the server it will listen with. */
export async function createApp(parts: AppParts): Promise<{ app: NestFastifyApplication; rest: RestServer }> {
  let rest: RestServer;
  const bodyLimit = Math.ceil((parts.maxPayloadBytes * 4) / 3) + BODY_OVERHEAD_BYTES;
  const adapter = new FastifyAdapter({
    bodyLimit,
    frameworkErrors: refuseUnrouted,
    return503OnClosing: false, // its answer is none of ours; what cannot be done any more says so itself
    serverFactory: (listener: RequestListener) =>
      (rest = new RestServer(parts.http, listener, parts.refused)).server as Server,
    clientErrorHandler: () => undefined, // the server answers
  });
  const fastify = adapter.getInstance();
  const letIn = ({ raw }: FastifyRequest): void => {
    rest.vouch(raw.socket);
    rest.takeBody(raw, bodyLimit);
  };
  fastify.decorateRequest('caller');
  const { callers, refused, logger } = parts;
  const routes = new RouteTable(routesOf(CONTROLLERS));
  fastify.addHook('onRequest', door({ routes, callers, letIn, refused }));
  fastify.addHook(
    'onResponse',
    actions({ routes, callers, done: (action) => logger.info(action, 'a change was asked for over REST') }),
  );
  fastify.removeContentTypeParser('text/plain');
  fastify.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    rest.bodyRead(request.raw, body.length);
    const payload = takesAnyBody(request);
    const json = payload ? body : withoutByteOrderMark(body);
    keepBody(request, json);
    // Who asks with no body may say all the same that it would be JSON.
    if (payload || body.length === 0) return done(null, undefined);
    if (!isUtf8Said(request)) {
      return done(new HoldfastError('CONTENT_TYPE_UNSUPPORTED', 'JSON is UTF-8: no other charset is taken'));
    }
    let value: unknown;
    try {
      value = parseJsonBody(json);
    } catch (error) {
      return done(error as Error);
    }
    done(null, value);
  });
  fastify.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, body, done) => {
    rest.bodyRead(request.raw, body.length);
    keepBody(request, body);
    if (takesAnyBody(request)) done(null);
    else done(new UnsupportedMediaTypeException());
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(parts), adapter, {
    // Nest's own parsers take HTML forms, which any web page may send to this machine without asking.
    bodyParser: false,
    ...(parts.embedded ? {} : { logger: nestLogger(parts.logger) }),
    abortOnError: false,
  });
  return { app, rest: rest! };
}

/** Also where no charset is named. */
function isUtf8Said({ headers }: FastifyRequest): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers['content-type'] ?? '')?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}

/** Whether the body is no JSON but a payload. */
function takesAnyBody(request: FastifyRequest): boolean {
  return request.routeOptions.url === '/v1/publish/raw';
}
