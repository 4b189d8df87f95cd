import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { resolve } from 'node:path';
import type { BrokerSettings, HttpSettings } from '../domain/settings.js';
import type { ListenerTlsConfig } from './http.config.js';
import type { TlsConfig } from './tls.config.js';
import type { Path, Report } from './problem.js';
import type { Surroundings } from './reference.js';
import { readTextFile } from './text-file.js';

const PEM_BYTES_MAX = 2 ** 20;
const CERTIFICATE = '-----BEGIN CERTIFICATE-----';

/** @param path where `config` stands @returns the PEM texts */
export function checkTls(
  config: TlsConfig,
  path: Path,
  report: Report,
  surroundings: Surroundings,
): BrokerSettings['tls'] {
  if (!config.certFile !== !config.keyFile && report.clean(path)) {
    const [there, missing] = config.certFile ? ['certFile', 'keyFile'] : ['keyFile', 'certFile'];
    report.problem([...path, there], `stands without ${missing}`, `Add ${missing}, or remove ${there}.`);
  }
  const read = pemReader(config, path, report, surroundings);
  const ca = read('caFile', CERTIFICATE);
  const { cert, key } = readPair(read, path, report);
  if (ca !== undefined && report.clean([...path, 'caFile'])) checkAuthorities(ca, [...path, 'caFile'], report);
  return { ca, cert, key, serverName: config.serverName };
}

/** As {@link checkTls}, for where we listen. Undefined when there is a problem. */
export function checkListenerTls(
  config: ListenerTlsConfig,
  path: Path,
  report: Report,
  surroundings: Surroundings,
): HttpSettings['tls'] {
  const read = pemReader(config, path, report, surroundings);
  const { cert, key } = readPair(read, path, report);
  const clientCa = read('clientCaFile', CERTIFICATE);
  const at = [...path, 'clientCaFile'];
  if (clientCa !== undefined && report.clean(at)) checkAuthorities(clientCa, at, report);
  if (cert === undefined || key === undefined) return undefined;
  return { cert, key, ...(clientCa === undefined ? {} : { clientCa }) };
}

/** The text of the file that `key` names. */
type PemReader<Key extends string> = (key: Key, marker: string) => string | undefined;

function pemReader<Key extends string>(
  config: { [key in Key]?: string },
  path: Path,
  report: Report,
  { directory, files }: Surroundings,
): PemReader<Key> {
  return (key, marker) => {
    const name = config[key];
    if (name === undefined || !report.clean([...path, key])) return undefined;
    const absolute = resolve(directory, name);
    files.add(absolute);
    const file = readTextFile(absolute, PEM_BYTES_MAX);
    const fault =
      'fault' in file ? file.fault : file.text.includes(marker) ? undefined : 'is not a PEM file of its kind';
    if (fault !== undefined) {
      report.problem(
        [...path, key],
        `names a file that ${fault}`,
        'Mount a readable PEM file there, or mend the path.',
      );
    }
    return 'text' in file ? file.text : undefined;
  };
}

function readPair(
  read: PemReader<'certFile' | 'keyFile'>,
  path: Path,
  report: Report,
): { cert: string | undefined; key: string | undefined } {
  const cert = read('certFile', CERTIFICATE);
  const key = read('keyFile', 'PRIVATE KEY-----');
  if (report.clean(path)) checkPair(cert, key, path, report);
  return { cert, key };
}

/** The runtime passes over an authority that it cannot read, and then trusts nobody. */
function checkAuthorities(ca: string, path: Path, report: Report): void {
  const certificates = ca.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length > 0 && certificates.every(isCertificate)) return;
  const mend = 'Name a PEM file of whole certificates.';
  report.problem(path, 'names a file with a certificate that cannot be read', mend);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function checkPair(cert: string | undefined, key: string | undefined, path: Path, report: Report): void {
  if (cert === undefined || key === undefined) return;
  try {
    createSecureContext({ cert, key });
  } catch {
    const message = 'is not an unencrypted private key that fits certFile';
    report.problem([...path, 'keyFile'], message, 'Name the key the certificate was made with, decrypted.');
  }
}
