/** Where the journal is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needs } from '../support/needs.js';
import { refusal, render, shape, type Values } from './helm.js';
import { the, type StatefulSet } from './manifests.js';

const setOf = (values: Values): StatefulSet['spec'] => the<StatefulSet>(render(values), 'StatefulSet').spec;

describe('storage', { skip: needs('helm') }, () => {
  it('each gateway has a volume of its own, which outlives it', () => {
    const { volumeClaimTemplates: claims = [], persistentVolumeClaimRetentionPolicy, template } = setOf({});
    assert.equal(claims.length, 1);
    assert.deepEqual(claims[0]!.spec, { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } });
    assert.deepEqual(persistentVolumeClaimRetentionPolicy, { whenDeleted: 'Retain', whenScaled: 'Retain' });
    const mounts = template.spec.containers[0]!.volumeMounts!;
    assert.equal(mounts.find(({ mountPath }) => mountPath === '/data')!.name, claims[0]!.metadata.name);
    assert.ok(!template.spec.volumes!.some(({ name }) => name === 'data'));
  });

  it('its size, class, modes and annotations can be said', () => {
    const [claim] = setOf(shape('scale-out')).volumeClaimTemplates!;
    assert.equal(claim!.spec.storageClassName, 'fast');
    assert.deepEqual(claim!.spec.accessModes, ['ReadWriteOncePod']);
    assert.equal(claim!.spec.resources.requests.storage, '10Gi');
    const all = setOf(shape('everything'));
    assert.deepEqual(all.volumeClaimTemplates![0]!.metadata.annotations, { 'example.com/backup': 'true' });
    assert.deepEqual(all.persistentVolumeClaimRetentionPolicy, { whenDeleted: 'Retain', whenScaled: 'Delete' });
  });

  it('a claim’s labels are those that no upgrade changes', () => {
    const [claim] = setOf(shape('everything')).volumeClaimTemplates!;
    assert.deepEqual(Object.keys(claim!.metadata.labels!).sort(), [
      'app.kubernetes.io/component',
      'app.kubernetes.io/instance',
      'app.kubernetes.io/name',
    ]);
  });

  it('a claim that is there already, or none', () => {
    const existing = setOf(shape('single'));
    assert.equal(existing.volumeClaimTemplates, undefined);
    const claim = { claimName: 'gateway-7-journal' };
    assert.deepEqual(existing.template.spec.volumes!.at(-1), { name: 'data', persistentVolumeClaim: claim });
    const trial = setOf(shape('trial'));
    assert.equal(trial.volumeClaimTemplates, undefined);
    assert.deepEqual(trial.template.spec.volumes!.at(-1), { name: 'data', emptyDir: { sizeLimit: '2Gi' } });
  });

  it('a journal that does not fit its volume is refused, in whatever units', () => {
    const sized = (maxSize: string, size: string): Values => ({
      config: { journal: { maxSize } },
      persistence: { size },
    });
    const bad = [
      ['2GiB', '2Gi'],
      ['1GiB', '1.09Gi'],
      ['1GB', '1G'],
      ['1TiB', '1T'],
      ['16MiB', '16Mi'],
      ['1000000000B', '1G'],
      ['1000000KB', '1G'],
      ['1048576KiB', '1Gi'],
    ];
    for (const [maxSize, size] of bad) {
      const said = `persistence.size is ${size} and config.journal.maxSize is ${maxSize}: the journal needs a tenth more`;
      assert.ok(refusal(sized(maxSize!, size!)).includes(said), `${maxSize} ${size}`);
    }
    const good = [
      ['2GiB', '2.2Gi'],
      ['1GB', '1.1G'],
      ['16MiB', '18Mi'],
      ['1GiB', '1500M'],
      ['1TiB', '2Ti'],
      ['1GB', '2000000000'],
    ];
    for (const [maxSize, size] of good) render(sized(maxSize!, size!));
  });

  it('a journal beside the volume is refused', () => {
    const said =
      /config\.journal\.directory is ".\/data", which is not on the volume.*Set config\.journal\.directory: \/data/;
    assert.match(refusal({ config: { journal: { directory: './data' } } }), said);
    assert.match(refusal({ config: { journal: { directory: null } } }), said);
    assert.match(
      refusal({ config: { journal: { directory: '/database' } } }),
      /"\/database", which is not on the volume/,
    );
    render({ config: { journal: { directory: '/data/journal' } } });
  });

  it('one claim for several replicas is refused', () => {
    const values = { replicas: 2, persistence: { existingClaim: 'one' } };
    assert.match(refusal(values), /persistence\.existingClaim is one volume for 2 replicas.*or set replicas: 1\./);
  });

  it('a volume that many may write is refused', () => {
    const values = { persistence: { accessModes: ['ReadWriteMany'] } };
    assert.match(
      refusal(values),
      /at '\/persistence\/accessModes\/0': value must be one of 'ReadWriteOnce', 'ReadWriteOncePod'/,
    );
  });
});
