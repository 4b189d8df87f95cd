/** Mosquitto's dynamic-security plugin: its file, and what an administrator tells it while it runs. */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './needs.js';
import { scratchDirectory } from './scratch.js';

const PLACES = [
  '/usr/lib/*/mosquitto_dynamic_security.so',
  '/usr/lib/mosquitto_dynamic_security.so',
  '/opt/homebrew/lib/mosquitto_dynamic_security.so',
];
const ADMIN = { name: 'admin', password: 'admin' };
const ITERATIONS = 101;

export interface DynamicUser {
  password: string;
  read: string[];
  write: string[];
  disabled?: boolean;
  /** The only client id this user may have. */
  clientId?: string;
}

/** Lines of Mosquitto's configuration; by user name. */
export function dynamicSecurity(users: { [name: string]: DynamicUser }): string[] {
  const [plugin] = globSync(PLACES);
  if (plugin === undefined) throw new Error('mosquitto_dynamic_security.so did not come with mosquitto');
  const file = join(scratchDirectory('dynamic-security'), 'dynamic-security.json');
  const control = { read: ['$CONTROL/#'], write: ['$CONTROL/#'] };
  const all = { ...users, [ADMIN.name]: { password: ADMIN.password, ...control } };
  const config = {
    clients: Object.entries(all).map(([name, user]) => clientOf(name, user)),
    roles: Object.entries(all).map(([name, { read, write }]) => ({ rolename: name, acls: aclsOf(read, write) })),
    defaultACLAccess: { publishClientSend: false, publishClientReceive: true, subscribe: false, unsubscribe: true },
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return ['per_listener_settings false', `plugin ${plugin}`, `plugin_opt_config_file ${file}`];
}

/** An administrator sets this user's password, which ends its connections. */
export function kickUser(port: number, user: string, password: string): void {
  const login = ['-h', '127.0.0.1', '-p', String(port), '-u', ADMIN.name, '-P', ADMIN.password];
  const args = [...login, 'dynsec', 'setClientPassword', user, password];
  const { status, stderr } = spawnSync(findProgram('mosquitto_ctrl')!, args, { encoding: 'utf8', timeout: 10_000 });
  if (status !== 0) throw new Error(`mosquitto_ctrl: ${stderr}`);
}

function clientOf(username: string, { password, disabled = false, clientId }: DynamicUser): object {
  const salt = randomBytes(12);
  return {
    username,
    password: pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512').toString('base64'),
    salt: salt.toString('base64'),
    iterations: ITERATIONS,
    roles: [{ rolename: username }],
    disabled,
    ...(clientId === undefined ? {} : { clientid: clientId }),
  };
}

function aclsOf(read: string[], write: string[]): object[] {
  const rules = (acltype: string, topics: string[]): object[] =>
    topics.map((topic) => ({ acltype, topic, allow: true }));
  return [
    ...rules('publishClientSend', write),
    ...rules('publishClientReceive', read),
    ...rules('subscribePattern', read),
  ];
}
