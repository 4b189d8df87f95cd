/** The configuration in force, and reading it again. */
import { useState } from 'preact/hooks';
import type { Problem } from '../shown/problem.js';
import { visible } from '../shown/text.js';
import type { ConfigInForce } from '../shown/types.js';
import { yaml } from '../shown/yaml.js';
import { sure } from './ask.js';
import { call, may, problemIn } from './gateway.js';
import { Panel, ProblemNote } from './parts.js';
import { useRead } from './read.js';

export function Config() {
  const { data, problem, again } = useRead<ConfigInForce>('v1/config', 15_000, ['reload']);
  const [refused, setRefused] = useState<Problem | undefined>(undefined);
  const [said, say] = useState('');
  const reload = async (): Promise<void> => {
    const meaning = 'The file is read again. When it has a mistake, all stays as it is. The link does not drop.';
    if (!(await sure({ what: 'Reload the configuration?', meaning, verb: 'Reload' }))) return;
    setRefused(undefined);
    try {
      await call('v1/reload', { method: 'POST' });
      say('It was reloaded.');
    } catch (error) {
      say('');
      setRefused(problemIn(error));
    }
    again();
  };
  const button = (
    <button type="button" class="secondary small" onClick={() => void reload()}>
      Reload
    </button>
  );
  return (
    <Panel title="Configuration in force" aside={may('admin') && button}>
      <ProblemNote problem={refused} />
      <ProblemNote problem={problem} />
      <p role="status">{said}</p>
      {data && (
        <>
          <p>
            {data.file === undefined ? (
              'From no file.'
            ) : (
              <>
                From <code>{visible(data.file)}</code>.{' '}
              </>
            )}
            Secrets are masked.
          </p>
          {data.needsRestart.length > 0 && (
            <p class="note">Waiting for a restart: {visible(data.needsRestart.join(', '))}.</p>
          )}
          <pre class="tall" tabindex={0} role="region" aria-label="Configuration">
            {yaml(data.settings)}
          </pre>
        </>
      )}
    </Panel>
  );
}
