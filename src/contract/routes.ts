import type { Problem } from '../domain/record.js';
import { TopicCache } from '../domain/topic-cache.js';
import type { ParameterisedFilter } from '../domain/topic-parameters.js';
import { topicMatches } from '../domain/topic.js';
import { parameterCheck, type ParameterCheck } from './parameter-check.js';

/** Which topics have which contract. */
export interface RouteSettings extends ParameterisedFilter {
  /** Absent: any payload is valid. */
  contract?: string;
}

interface Route<C> {
  filter: string;
  contract: C | undefined;
  parameters: ParameterCheck | undefined;
}

/** What one topic has. */
export interface Placed<C> {
  contract: C;
  parameters?: ParameterCheck | undefined;
  /** What `parameters` said: the same for every payload. */
  problems?: Problem[];
}

/** The first filter in file order that matches a topic names its contract; answers are kept per topic. */
export class Routes<C> {
  readonly #routes: readonly Route<C>[];
  readonly #topics = new TopicCache((topic) => this.#find(topic));

  constructor(settings: readonly RouteSettings[], contracts: ReadonlyMap<string, C>) {
    this.#routes = settings.map(({ filter, contract, parameters }) => ({
      filter,
      contract: contract === undefined ? undefined : contracts.get(contract),
      parameters: parameterCheck(parameters),
    }));
  }

  /** Whether any topic has a contract. */
  get inForce(): boolean {
    return this.#routes.some(({ contract }) => contract !== undefined);
  }

  /** undefined: any payload is valid */
  find(topic: string): Placed<C> | undefined {
    return this.#topics.get(topic);
  }

  #find(topic: string): Placed<C> | undefined {
    const route = this.#routes.find(({ filter }) => topicMatches(filter, topic));
    return route?.contract && { contract: route.contract, parameters: route.parameters };
  }
}
