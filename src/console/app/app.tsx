/** The console: the page that an operator opens first. */
import { render } from 'preact';

function App() {
  return (
    <main>
      <h1>Holdfast</h1>
    </main>
  );
}

render(<App />, document.body);
