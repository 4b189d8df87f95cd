import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { OPERATION_METADATA, type Operation } from '../domain/operation.js';
import { SCOPE_METADATA, type Access } from '../domain/scope.js';

export interface Route {
  method: string;
  /** As the router has it: `/v1/subscribers/:id`. */
  url: string;
  /** Undefined: its controller does not say; then `admin` is needed. */
  access: Access | undefined;
  /** Undefined: its controller does not say what it does. */
  operation: Operation | undefined;
}

/** Every route of the controllers. */
export function routesOf(controllers: readonly Type[]): Route[] {
  return controllers.flatMap((controller) => {
    const prefix = Reflect.getMetadata(PATH_METADATA, controller) as string;
    const methods = Object.values(Object.getOwnPropertyDescriptors(controller.prototype as object));
    return methods.flatMap(({ value }) => {
      const own = (key: string): unknown =>
        typeof value === 'function' ? Reflect.getMetadata(key, value as object) : undefined;
      const verb = own(METHOD_METADATA) as RequestMethod | undefined;
      if (verb === undefined) return [];
      const url = `/${[prefix, own(PATH_METADATA) as string]
        .flatMap((part) => part.split('/'))
        .filter(Boolean)
        .join('/')}`;
      const access = own(SCOPE_METADATA) as Access | undefined;
      const operation = own(OPERATION_METADATA) as Operation | undefined;
      return [{ method: RequestMethod[verb], url, access, operation }];
    });
  });
}

/** What is known of a request's address before any of its body is read. */
export class RouteTable {
  readonly #access = new Map<string, Access>();
  readonly #methods = new Map<string, string[]>();

  constructor(routes: readonly Omit<Route, 'operation'>[]) {
    for (const { method, url, access = 'admin' } of routes) {
      const methods = this.#methods.get(url) ?? [];
      // Whatever answers GET answers HEAD.
      for (const one of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
        this.#access.set(`${one} ${url}`, access);
        methods.push(one);
      }
      this.#methods.set(url, methods);
    }
  }

  /** @param url as the router has it. What is not in the table is closed. */
  access(method: string, url: string): Access {
    return this.#access.get(`${method} ${url}`) ?? 'admin';
  }

  /** The methods that this address takes; none: nothing is there. */
  methods(address: string): string[] {
    const path = pathOf(address);
    const parts = path.split('/');
    const literal = this.#methods.get(plain(path));
    if (literal) return literal;
    const found = [...this.#methods].filter(([url]) => fits(url.split('/'), parts));
    return [...new Set(found.flatMap(([, methods]) => methods))];
  }

  /**
   * Whether another route has this address literally: `/v1/dead-letters/replay` is no dead letter, whatever the method.
   * @param url of the route that the router has found
   */
  isOthers(url: string, address: string): boolean {
    return url.includes(':') && this.#methods.has(plain(pathOf(address)));
  }
}

function pathOf(address: string): string {
  return address.split('?', 1)[0]!;
}

/** Without percent-encoding; what hides a slash is left as it is. */
function plain(path: string): string {
  const parts = path.split('/').map(decoded);
  return parts.some((part) => part.includes('/')) ? path : parts.join('/');
}

function fits(pattern: string[], parts: string[]): boolean {
  if (pattern.length !== parts.length) return false;
  return pattern.every((one, i) => (one.startsWith(':') ? parts[i] !== '' : one === decoded(parts[i]!)));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
