import type { ErrorCode } from '../domain/errors.js';
import { OPERATION_TAGS, type Answer, type Content, type Operation } from '../domain/operation.js';
import type { Access } from '../domain/scope.js';
import { Optional, schemaOf, type Members } from '../domain/schema.js';
import { ProblemResponses } from './problems.js';
import { SchemaWriter, type Json } from './schemas.js';

/** One route of the gateway's. */
export interface DescribedRoute {
  method: string;
  /** As the router has it: `/v1/subscribers/:id`. */
  url: string;
  access: Access;
  operation: Operation;
}

/** What of the configuration changes how REST is called. */
export interface Surface {
  version: string;
  /** Whether calls need a token. */
  tokens: boolean;
  /** Whether connections need a client certificate. */
  clientCertificates: boolean;
  /** Whether it matters by which name the gateway is called. */
  namesChecked: boolean;
  /** Schemas that operations refer to by name. */
  schemas: Json;
}

const ABOUT = `Holdfast holds one MQTT session, keeps every message, and passes valid ones on. This is its REST surface.

Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`. A 503, and whatever else has \`Retry-After\`, may be tried again.
Names that a body may not have are refused, and those that a query may not have wherever a call reads a query or publishes. Addresses are taken literally: with a slash more they are nothing. Another method than an
address takes is a 405 with \`Allow\`.`;

/** The REST surface as an OpenAPI 3.1 document. */
export function describe(routes: readonly DescribedRoute[], surface: Surface): Json {
  const writer = new DocumentWriter(surface);
  const paths: { [path: string]: Json } = {};
  for (const route of routes) {
    const path = (paths[route.url.replace(/:(\w+)/g, '{$1}')] ??= {});
    path[route.method.toLowerCase()] = writer.operation(route);
    if (route.method === 'GET') path['head'] = writer.operation(route, true);
  }
  const used = new Set(routes.map(({ operation }) => operation.tag));
  const tags = Object.entries(OPERATION_TAGS).map(([name, description]) => ({ name, description }));
  return {
    openapi: '3.1.1',
    info: {
      title: 'Holdfast',
      version: surface.version,
      description: ABOUT,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: tags.filter(({ name }) => used.has(name as keyof typeof OPERATION_TAGS)),
    paths,
    components: writer.components(),
  };
}

class DocumentWriter {
  readonly #schemas = new SchemaWriter();
  readonly #problems = new ProblemResponses(this.#schemas);

  constructor(private readonly surface: Surface) {}

  /** @param head the one that answers HEAD where this one answers GET */
  operation(route: DescribedRoute, head = false): Json {
    const { id, tag, summary, description, body, answers, problems = [] } = route.operation;
    const own = Object.entries(answers).map(([status, answer]) => [status, this.#answer(answer, head)] as const);
    const failed = this.#problems.of([...problems, ...this.#common(route)], head);
    const parameters = this.#parameters(route.operation);
    return {
      operationId: head ? `${id}Head` : id,
      tags: [tag],
      summary: head ? `As GET, without the body.` : summary,
      ...(description && !head ? { description } : {}),
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(body ? { requestBody: this.#body(body) } : {}),
      responses: { ...Object.fromEntries(own), ...failed },
      ...this.#security(route.access),
    };
  }

  components(): Json {
    const { tokens, clientCertificates, schemas } = this.surface;
    const bearer = { type: 'http', scheme: 'bearer', description: 'A token of `http.auth.tokens`, with the scope.' };
    const mutualTLS = { type: 'mutualTLS', description: 'A certificate of an authority in `http.tls.clientCaFile`.' };
    return {
      schemas: { ...this.#schemas.components, ...schemas },
      responses: this.#problems.components,
      securitySchemes: { ...(tokens ? { bearer } : {}), ...(clientCertificates ? { mutualTLS } : {}) },
    };
  }

  /** What a call may be answered whatever it is for. */
  #common({ method, access }: DescribedRoute): ErrorCode[] {
    const { tokens, namesChecked } = this.surface;
    return [
      ...(['REQUEST_INVALID', 'REQUEST_TIMEOUT', 'HEADERS_TOO_LARGE', 'INTERNAL'] as const),
      ...(namesChecked ? (['HOST_FORBIDDEN'] as const) : []),
      ...(tokens && access !== 'public' ? (['UNAUTHORIZED', 'FORBIDDEN', 'TOO_MANY_REQUESTS'] as const) : []),
      ...(method === 'GET'
        ? []
        : (['FORBIDDEN', 'CONTENT_TYPE_UNSUPPORTED', 'PAYLOAD_TOO_LARGE', 'BODIES_FULL'] as const)),
    ];
  }

  #security(access: Access): Json {
    const { tokens, clientCertificates } = this.surface;
    const needed = {
      ...(tokens && access !== 'public' ? { bearer: access === 'any' ? [] : [access] } : {}),
      ...(clientCertificates ? { mutualTLS: [] } : {}),
    };
    return { security: Object.keys(needed).length > 0 ? [needed] : [] };
  }

  #parameters({ path, query, headers }: Operation): Json[] {
    return [
      ...this.#members('path', path),
      ...(query && 'dto' in query
        ? this.#fields(query as { dto: never; fields: string[] })
        : this.#members('query', query)),
      ...this.#members('header', headers),
    ];
  }

  #members(where: string, members: Members = {}): Json[] {
    return Object.entries(members).map(([name, member]) => {
      return this.#parameter(where, name, this.#schemas.of(schemaOf(member)), !(member instanceof Optional));
    });
  }

  #fields({ dto, fields }: { dto: never; fields: readonly string[] }): Json[] {
    return fields.map((name) => {
      const { schema, required } = this.#schemas.fieldOf(dto, name);
      return this.#parameter('query', name, schema, required);
    });
  }

  #parameter(where: string, name: string, schema: Json, required: boolean): Json {
    return { name, in: where, ...described(schema, required) };
  }

  #body({ required = true, description, ...content }: NonNullable<Operation['body']>): Json {
    return { ...(description ? { description } : {}), required, content: this.#content(content) };
  }

  #answer({ description, content, headers = {} }: Answer, head: boolean): Json {
    const named = Object.entries(headers).map(([name, member]) => {
      return [name, described(this.#schemas.of(schemaOf(member)), !(member instanceof Optional))] as const;
    });
    return {
      description,
      ...(named.length > 0 ? { headers: Object.fromEntries(named) } : {}),
      ...(content && !head ? { content: this.#content(content) } : {}),
    };
  }

  #content({ media = 'application/json', schema }: Content): Json {
    return { [media]: { schema: this.#schemas.of(schema) } };
  }
}

/** As parameters and headers have it: what it is for beside the schema. */
function described({ description, ...schema }: Json, required: boolean): Json {
  return { ...(description === undefined ? {} : { description }), ...(required ? { required } : {}), schema };
}
