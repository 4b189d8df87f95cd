/** The Dockerfile and its context, as far as reading goes; what they make is in layout.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dockerContext, ignoring } from '../support/docker-context.js';
import { parseDockerfile } from '../support/dockerfile.js';
import { read, ROOT } from '../tidy/tree.js';
import { flaws, RULES } from './dockerfile-rules.js';

const CONTEXT = ['package.json', 'src/a.ts'];
const GOOD = `ARG BASE=node:24.1.0@sha256:${'0'.repeat(64)}
FROM --platform=$BUILDPLATFORM \${BASE} AS build
WORKDIR /build
COPY package.json ./
RUN npm ci --omit=dev --ignore-scripts
COPY src src
RUN apt-get update && apt-get install -y --no-install-recommends a && rm -rf /var/lib/apt/lists/*
FROM \${BASE} AS runtime
WORKDIR /app
COPY --from=build /build/node_modules node_modules
RUN rm -rf /usr/local/lib/node_modules ${['npm', 'npx', 'corepack', 'yarn', 'yarnpkg'].map((name) => `/usr/local/bin/${name}`).join(' ')}
RUN mkdir /data && chown 1000:1000 /data
USER 1000:1000
ENV NODE_ENV=production
VOLUME ["/data"]
EXPOSE 80
STOPSIGNAL SIGTERM
HEALTHCHECK --timeout=5s CMD ["node", "-v"]
ENTRYPOINT ["node"]
CMD ["-v"]
ARG VERSION=1.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="A" org.opencontainers.image.description="b" \\
  org.opencontainers.image.licenses="MIT" org.opencontainers.image.base.name="c" \\
  org.opencontainers.image.base.digest="d" org.opencontainers.image.version="\${VERSION}" \\
  org.opencontainers.image.revision="\${REVISION}" org.opencontainers.image.created="\${CREATED}"
`;

/** By the beginning of the rule's name: what breaks it, as a replacement in the good one. */
const BAD: [rule: string, from: string, to: string][] = [
  ['DL3000', 'WORKDIR /app', 'WORKDIR app'],
  ['DL3002', 'USER 1000:1000', 'USER node'],
  ['DL3002', 'USER 1000:1000', 'USER 0:0'],
  ['DL3002', 'USER 1000:1000\n', ''],
  ['DL3003', 'RUN mkdir /data', 'RUN cd / && mkdir /data'],
  ['DL3004', 'RUN mkdir /data', 'RUN sudo mkdir /data'],
  ['DL3006', `@sha256:${'0'.repeat(64)}`, ''],
  ['DL3006', '24.1.0@', 'latest@'],
  ['DL3006', 'FROM ${BASE} AS runtime', 'FROM node AS runtime'],
  ['DL3009', ' && rm -rf /var/lib/apt/lists/*', ''],
  ['DL3009', ' --no-install-recommends', ''],
  ['DL3009', ' -y', ''],
  ['DL3016', 'npm ci --omit=dev --ignore-scripts', 'npm install --omit=dev'],
  ['DL3016', ' --ignore-scripts', ''],
  ['DL3020', 'COPY src src', 'ADD src src'],
  ['DL3021', 'COPY package.json ./', 'COPY package.json src ./app'],
  ['DL3022', '--from=build', '--from=bild'],
  ['DL3022', '--from=build', '--from=runtime'],
  ['DL3024', ' AS build', ''],
  ['DL3024', 'FROM ${BASE} AS runtime', 'FROM ${BASE} AS idle\nFROM ${BASE} AS runtime'],
  ['DL3024', ' AS runtime', ' AS build'],
  ['DL3025', 'CMD ["-v"]', 'CMD -v'],
  ['DL3025', 'ENTRYPOINT ["node"]', "ENTRYPOINT ['node']"],
  ['DL3025', 'CMD ["node", "-v"]', 'CMD node -v || exit 1'],
  ['DL3029', '$BUILDPLATFORM', 'linux/amd64'],
  ['DL3044', 'NODE_ENV=production', 'NODE_ENV=production MORE=$NODE_ENV'],
  ['DL3045', 'WORKDIR /app\n', ''],
  ['DL3048', 'org.opencontainers.image.licenses="MIT"', ''],
  ['DL3048', '"${REVISION}"', '"main"'],
  ['DL3048', 'image.title="A"', 'image.title="A" Maintainer="b"'],
  ['DL3053', 'VERSION=1.0.0', 'VERSION=one'],
  ['DL3053', '1970-01-01T00:00:00Z', 'yesterday'],
  ['DL4000', 'EXPOSE 80', 'MAINTAINER me'],
  ['DL4003', 'CMD ["-v"]', 'CMD ["-v"]\nCMD ["-h"]'],
  ['DL4006', 'RUN mkdir /data', 'RUN mkdir /data | cat'],
  ['DL4006', 'RUN mkdir /data', 'RUN mkdir /data; true'],
  ['how it runs', 'STOPSIGNAL SIGTERM\n', ''],
  ['how it runs', 'HEALTHCHECK --timeout=5s CMD ["node", "-v"]\n', ''],
  ['files of the program', 'COPY --from=build', 'COPY --chown=1000:1000 --from=build'],
  ['files of the program', 'COPY --from=build', 'COPY --chmod=777 --from=build'],
  ['files of the program', 'chown 1000:1000 /data', 'chown -R 1000:1000 /app'],
  ['files of the program', 'chown 1000:1000 /data', 'chown -R 1000:1000 .'],
  ['nothing is copied', 'ENV NODE_ENV', 'RUN touch a\nENV NODE_ENV'],
  ['the packages that run', ' --omit=dev', ''],
  ['nothing that installs', '/usr/local/lib/node_modules', ''],
  ['nothing that installs', '/usr/local/bin/npx', ''],
  ['no secret', 'NODE_ENV=production', 'NPM_TOKEN=abc'],
  ['no secret', 'ARG VERSION', 'ARG DB_PASSWORD\nARG VERSION'],
  ['an argument', 'ARG VERSION=1.0.0\n', ''],
  ['an argument', 'ARG BASE', 'ARG BASIS'],
  ['an argument', 'ARG REVISION=unknown', 'ARG REVISION'],
  ['what is copied', 'COPY src src', 'COPY src source src/'],
  ['what is in the context', 'COPY src src\n', ''],
];

describe('Dockerfile', () => {
  it('the rules let a good one pass, and each of them finds what it forbids', () => {
    const found = (text: string): string[] => flaws({ dockerfile: parseDockerfile(text), context: CONTEXT });
    assert.deepEqual(found(GOOD), []);
    for (const [rule, from, to] of BAD) {
      assert.ok(GOOD.includes(from), from);
      const told = found(GOOD.replace(from, () => to));
      assert.ok(
        told.some((flaw) => flaw.startsWith(rule)),
        `${rule}: ${from} -> ${to}: ${told.join('\n')}`,
      );
    }
    const untried = Object.keys(RULES).filter((name) => !BAD.some(([rule]) => name.startsWith(rule)));
    assert.deepEqual(untried, []);
  });

  it('keeps to them', () => {
    assert.deepEqual(flaws({ dockerfile: parseDockerfile(read('Dockerfile')), context: dockerContext(ROOT) }), []);
  });

  it('its version is that of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    assert.match(read('Dockerfile'), new RegExp(`^ARG VERSION=${version.replaceAll('.', '\\.')}$`, 'm'));
  });

  it('.dockerignore is read as the engine reads it: the last line that fits decides', () => {
    const ignored = ignoring('# all\n*\n!src\n!docs/*.md\n**/*.log\nsrc/**/*.spec.ts\n!/src/kept.spec.ts\n');
    const paths = [
      'a',
      'src',
      'src/a.ts',
      'src/a.log',
      'src/a.spec.ts',
      'src/b/c.spec.ts',
      'src/kept.spec.ts',
      'docs/a.md',
      'docs/b/c.md',
      'x/y',
    ];
    assert.deepEqual(
      paths.filter((path) => !ignored(path)),
      ['src', 'src/a.ts', 'src/kept.spec.ts', 'docs/a.md'],
    );
  });

  it('lets nothing into the context that no build needs', () => {
    const context = dockerContext(ROOT);
    assert.ok(
      context.includes('package-lock.json') && context.includes('src/main.ts') && context.includes('bin/holdfast'),
    );
    assert.deepEqual(
      context.filter((path) =>
        /^(\.git|node_modules|dist|test|docs|helm|\.cache)\b|\.(spec|suite|fixture)\.ts$|\.(pem|key|env)$/.test(path),
      ),
      [],
    );
  });
});
