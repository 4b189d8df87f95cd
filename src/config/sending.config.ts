import { Optional, Required } from './field.js';
import { bearerToken } from './format.js';
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
