import { Optional, Required } from './field.js';
import { bearerToken, filePath } from './format.js';
import { text } from './scalar.js';
import { object } from './shape.js';

export class BasicConfig {
  /** Without a colon. */
  @Required(
    text({
      max: 1_024,
      check: (name) => (/[:\p{Cc}]/u.test(name) ? 'must not hold a colon or control characters' : undefined),
      mend: 'Write the user name as the receiver knows it.',
    }),
    'username: holdfast',
  )
  username!: string;

  /** In clear in the file, or better `${file:/path}`. */
  @Required(
    text({
      max: 4_096,
      check: (password) => (/\p{Cc}/u.test(password) ? 'must not hold control characters' : undefined),
      mend: 'Write ${file:/path} or ${NAME}.',
    }),
    'password: "${file:/run/secrets/billing-password}"',
  )
  password!: string;
}

export class SubscriberAuthConfig {
  /** The token of `authorization: Bearer`. Exactly one of `bearer` and `basic` is given. */
  @Optional(bearerToken)
  bearer?: string;

  /** User name and password of `authorization: Basic`. */
  @Optional(object(BasicConfig))
  basic?: BasicConfig;
}

export class SubscriberTlsConfig {
  /** PEM file of the authorities to trust, read at the start, as the other two are. Default: those the runtime trusts. */
  @Optional(filePath)
  caFile?: string;

  /** PEM file of the client certificate, for receivers that want one. Needs `keyFile`. */
  @Optional(filePath)
  certFile?: string;

  /** PEM file of the certificate's private key, without a passphrase. Needs `certFile`. */
  @Optional(filePath)
  keyFile?: string;

  /** Host name the receiver's certificate must be for. Default: the host of the URL. */
  @Optional(text({ max: 253, mend: 'Write a host name.' }))
  serverName?: string;
}
