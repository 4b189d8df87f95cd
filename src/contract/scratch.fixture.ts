import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Record } from '../domain/record.js';
import type { ContractSettings } from '../domain/contract.js';
import type { SubscriptionSettings } from '../domain/settings.js';
import { Contracts } from './contracts.js';

/** A directory outside of the project, as a user's contracts may be. */
export class Scratch {
  readonly directory = mkdtempSync(join(tmpdir(), 'holdfast-contract-'));

  write(name: string, text: string | object): string {
    return this.writeBytes(name, Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)));
  }

  writeBytes(name: string, bytes: Uint8Array): string {
    const file = join(this.directory, name);
    writeFileSync(file, bytes);
    return file;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function subscription(filter: string, contract?: string): SubscriptionSettings {
  return { name: filter, filter, qos: 1, contract, overlap: 'allow' };
}

export function schemaContract(name: string, schemaFile: string): ContractSettings {
  return { name, format: 'json', schemaFile, mode: 'enforce' };
}

export function classContract(name: string, file: string, exported: string): ContractSettings {
  return { name, format: 'json', class: { file, export: exported }, mode: 'enforce' };
}

/** One contract for every topic. */
export function only(contract: ContractSettings): Promise<Contracts> {
  return Contracts.compile([subscription('#', contract.name)], [contract]);
}

export function record(position: number, topic: string, payload: string | Uint8Array): Record {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return { position, id: '', topic, qos: 1, retain: false, receivedAt: 0, payload: bytes, properties: null };
}

/** Two classes, written as compiled decorators are. */
export const EVENT_MODULE = `
import { Type } from 'class-transformer';
import { IsNumber, IsOptional, IsString, ValidateNested } from 'class-validator';
export class Reading {}
IsNumber()(Reading.prototype, 'value');
export class GatewayEvent {}
IsString()(GatewayEvent.prototype, 'gwId');
IsOptional()(GatewayEvent.prototype, 'reading');
ValidateNested()(GatewayEvent.prototype, 'reading');
Type(() => Reading)(GatewayEvent.prototype, 'reading');
`;

/** A class whose check does what its payload's `act` says. */
export const POISON_MODULE = `
import { execFileSync } from 'node:child_process';
import { registerDecorator } from 'class-validator';
const acts = {
  fine: () => true,
  throw: () => { throw new Error('thrown by the class'); },
  throwNull: () => { throw null; },
  throwHostile: () => { throw Object.defineProperty(new Error(), 'message', { get() { throw new Error(); } }); },
  spin: () => { for (;;); },
  exit: () => process.exit(3),
  overflow: () => { const kept = []; for (;;) kept.push(Array.from({ length: 1000 }, (_, i) => ({ i }))); },
  recurse: () => acts.recurse() && true,
  reject: async () => { await null; throw new Error('rejected later'); },
  spinLater: async () => { await null; for (;;); },
  exitLater: async () => { await null; process.exit(4); },
  block: () => execFileSync('sleep', ['4']),
  exitInTimer: () => { setTimeout(() => process.exit(5), 20); return true; },
  throwInTimer: () => { setTimeout(() => { throw new Error('thrown by a timer'); }, 20); return true; },
};
export class Poison {}
registerDecorator({
  name: 'acts',
  target: Poison,
  propertyName: 'act',
  validator: { validate: (act) => acts[act]() },
});
`;
