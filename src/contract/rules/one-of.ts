import { parseJsonPointer, partAt } from '../../domain/json-pointer.js';
import type { Failure, Fault, Judge } from './rules.js';

/** A contract that is joined with others. */
export interface Member {
  name: string;
  /** Absent: it accepts everything. */
  judge?: Judge | undefined;
}

/** As JSON Schema's `oneOf`: exactly one member must accept. The failure has the first problem of each. */
export function exactlyOne(members: readonly Member[]): Judge {
  return (value) => {
    const accepting: string[] = [];
    const faults: Fault[] = [];
    for (const { name, judge } of members) {
      const failure = judge?.(value);
      if (failure) faults.push(named(name, failure.faults[0]!));
      else accepting.push(name);
    }
    if (accepting.length === 1) return undefined;
    if (accepting.length === 0) return { reason: 'one-of', faults };
    return oneOf('', 'oneOf', `${accepting.join(' and ')} accept it; exactly one may`);
  };
}

/** The value at the pointer says which member is asked; its failure is the failure. */
export function byDiscriminator(pointer: string, members: ReadonlyMap<string, Member>): Judge {
  const steps = parseJsonPointer(pointer);
  const known = [...members.keys()].map((value) => JSON.stringify(value)).join(', ');
  return (value) => {
    const part = partAt(value, steps);
    if (part === undefined) return oneOf(pointer, 'discriminator', `is missing; it is one of ${known}`);
    const member = isScalar(part) ? members.get(String(part)) : undefined;
    if (!member) return oneOf(pointer, 'discriminator', `is none of ${known}`);
    const failure = member.judge?.(value);
    return failure && { ...failure, faults: failure.faults.map((one) => named(member.name, one)) };
  };
}

function isScalar(part: unknown): part is string | number | boolean {
  return typeof part === 'string' || typeof part === 'number' || typeof part === 'boolean';
}

function named(member: string, fault: Fault): Fault {
  return { ...fault, message: `${member}: ${fault.message}` };
}

function oneOf(pointer: string, rule: string, message: string): Failure {
  return { reason: 'one-of', faults: [{ pointer, rule, message }] };
}
