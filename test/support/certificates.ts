/** Certificates of the test's own, made by the `openssl` program. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './needs.js';
import { scratchDirectory } from './scratch.js';

export interface Certificate {
  certFile: string;
  keyFile: string;
}

/** An authority that tests and brokers may trust. */
export class Authority {
  readonly certFile: string;
  readonly #directory = scratchDirectory('certificates');
  #issued = 0;

  constructor(name = 'holdfast test authority', days = 2) {
    const own = this.#make('authority', `/CN=${name}`, ['-days', String(days)]);
    this.certFile = own.certFile;
  }

  /** For a server; `names` are what clients may call it: `DNS:broker`, `IP:127.0.0.1`. */
  server(names: string[] = ['DNS:localhost', 'IP:127.0.0.1'], days = 2): Certificate {
    return this.#issue('server', [`subjectAltName=${names.join(',')}`, 'extendedKeyUsage=serverAuth'], days);
  }

  /** For a server, long out of date. */
  expiredServer(names: string[] = ['DNS:localhost', 'IP:127.0.0.1']): Certificate {
    return this.#issue('server', [`subjectAltName=${names.join(',')}`], 2, [findProgram('faketime')!, '2020-01-01']);
  }

  /** For a client that is called `name`. */
  client(name: string): Certificate {
    return this.#issue(name, ['extendedKeyUsage=clientAuth']);
  }

  /** For a client, long out of date. */
  expiredClient(name: string): Certificate {
    return this.#issue(name, ['extendedKeyUsage=clientAuth'], 2, [findProgram('faketime')!, '2020-01-01']);
  }

  /** @param wrap a command to run openssl under */
  #issue(name: string, extensions: string[], days = 2, wrap: string[] = []): Certificate {
    const { certFile, keyFile } = { certFile: this.certFile, keyFile: join(this.#directory, 'authority.key') };
    const more = [...extensions.flatMap((extension) => ['-addext', extension]), '-days', String(days)];
    return this.#make(`${name}-${++this.#issued}`, `/CN=${name}`, ['-CA', certFile, '-CAkey', keyFile, ...more], wrap);
  }

  #make(file: string, subject: string, more: string[], wrap: string[] = []): Certificate {
    const made = { certFile: join(this.#directory, `${file}.pem`), keyFile: join(this.#directory, `${file}.key`) };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', made.keyFile];
    const args = ['req', '-x509', ...key, '-out', made.certFile, '-subj', subject, '-days', '2', ...more];
    const [program, ...before] = [...wrap, findProgram('openssl')!];
    const { status, stderr } = spawnSync(program, [...before, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
    return made;
  }
}

/** The texts of a certificate and its key. */
export function pemOf({ certFile, keyFile }: Certificate): { cert: string; key: string } {
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}
