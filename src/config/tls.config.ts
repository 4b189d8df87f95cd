import { Optional } from './field.js';
import { filePath } from './format.js';
import { text } from './scalar.js';

/** How the other side of a TLS connection is trusted, and how it knows us. */
export class TlsConfig {
  /** PEM file of the authorities to trust. Default: those the runtime trusts. */
  @Optional(filePath)
  caFile?: string;

  /** PEM file of the client certificate, where one is wanted. Needs `keyFile`. */
  @Optional(filePath)
  certFile?: string;

  /** PEM file of the certificate's private key, without a passphrase. Needs `certFile`. */
  @Optional(filePath)
  keyFile?: string;

  /** Host name the other side's certificate must be for. Default: the host of the URL. */
  @Optional(text({ max: 253, mend: 'Write a host name.' }))
  serverName?: string;
}
