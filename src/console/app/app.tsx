/** The console: the page that an operator opens first. */
import { render } from 'preact';
import { Ask } from './ask.js';
import { Head } from './head.js';
import { SignIn } from './sign-in.js';
import { callerProblem, learnCaller, signInWanted } from './gateway.js';
import { follow } from './live.js';
import { Viewer } from './viewer.js';
import { address, VIEWS, view } from './views.js';

function App() {
  const asked = signInWanted.value;
  if (asked === '') return <SignIn why="" />;
  // What somebody was at is there again once they have a token; until then it is not seen.
  const hidden = asked !== undefined;
  const { View } = VIEWS.find(({ id }) => id === view.value) ?? VIEWS[0]!;
  return (
    <>
      {hidden && <SignIn why={asked} />}
      <Head hidden={hidden} />
      <main id="main" tabindex={-1} hidden={hidden}>
        {callerProblem.value !== '' && <p class="note">{callerProblem.value}</p>}
        <View key={address.value} />
      </main>
      <footer hidden={hidden}>
        <small>
          All times are UTC, by the gateway’s clock. Every figure and action here is in the REST API, too:{' '}
          <a href="docs">its description</a>.
        </small>
      </footer>
      {!hidden && <Ask />}
      {!hidden && <Viewer />}
    </>
  );
}

render(<App />, document.body);
void learnCaller();
follow();
