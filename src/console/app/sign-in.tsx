import { useState } from 'preact/hooks';
import { signIn } from './gateway.js';

export function SignIn({ why }: { why: string }) {
  const [refused, setRefused] = useState(false);
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    setBusy(true);
    const taken = await signIn(typed);
    setBusy(false);
    setRefused(!taken);
  };
  const open = location.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  return (
    <main class="sign-in">
      <article>
        <h1>
          <img src="console/icon.svg" alt="" width="28" height="28" /> Holdfast
        </h1>
        <p>{why || 'This gateway asks for a token.'}</p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <label>
            Token
            <input
              type="password"
              name="token"
              autocomplete="off"
              spellcheck={false}
              required
              value={typed}
              aria-invalid={refused ? 'true' : undefined}
              aria-describedby="token-note"
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
          <small id="token-note" role="status">
            {refused ? 'The gateway does not know this token.' : 'One of http.auth.tokens. It stays in this tab.'}
          </small>
          <button type="submit" aria-busy={busy} disabled={busy}>
            Open the console
          </button>
        </form>
        {open && <p class="note">This page came over plain HTTP: whoever is on the way can read the token.</p>}
      </article>
    </main>
  );
}
