# The image: the package as `npm pack` makes it and its production dependencies, on the official Node 24. docs/docker.md says how to use it.
# A newer Node: both arguments together, the digest is that of the index over all architectures.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
ARG NODE_DIGEST=sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6

# Nothing in the package or below it is made for one architecture: both are made once, on the machine that builds.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE}@${NODE_DIGEST} AS package
WORKDIR /build
ENV npm_config_cache=/npm
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/npm npm ci --ignore-scripts
COPY nest-cli.json tsconfig.json tsconfig.build.json README.md LICENSE ./
COPY bin bin
COPY config config
COPY src src
RUN npm run build
RUN mkdir /package \
  && npm pack --ignore-scripts --pack-destination /package \
  && tar --extract --file /package/*.tgz --directory /package \
  && rm /package/*.tgz \
  && chmod -R u=rwX,go=rX /package

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE}@${NODE_DIGEST} AS dependencies
WORKDIR /holdfast
ENV npm_config_cache=/npm
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/npm npm ci --omit=dev --ignore-scripts
# Without the names of what was left out: `npm sbom --omit=dev` also drops what both sides depend on.
RUN npm pkg delete devDependencies \
  && mkdir /sbom \
  && npm sbom --sbom-format=cyclonedx --sbom-type=application > /sbom/holdfast.cdx.json

FROM ${NODE_IMAGE}@${NODE_DIGEST} AS runtime
WORKDIR /holdfast
ENV NODE_ENV=production HOLDFAST_CONFIG=/etc/holdfast/gateway.yaml
# What installs packages is not needed to run, and would have to be patched. In a new volume, /data belongs to the user below.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
    /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
  && ln -s /holdfast/bin/holdfast /usr/local/bin/holdfast \
  && mkdir -m 0750 /data \
  && chown 1000:1000 /data
COPY --from=dependencies /sbom /usr/share/sbom
COPY --from=dependencies /holdfast/node_modules node_modules
COPY --from=package /package/package ./
# By number: Kubernetes cannot tell that a name is not root.
USER 1000:1000
VOLUME ["/data"]
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
# Node is process 1: signals reach it.
ENTRYPOINT ["node", "/holdfast/dist/main.js"]
CMD ["start"]
# Says what /livez says, at the port that HOLDFAST_CONFIG names.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "/holdfast/dist/main.js", "health", "--timeout", "4"]
ARG NODE_IMAGE
ARG NODE_DIGEST
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Holdfast" \
  org.opencontainers.image.description="A sidecar gateway for MQTT: one stable session, a durable journal, validated fan-out over HTTP." \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.base.name="docker.io/library/${NODE_IMAGE}" \
  org.opencontainers.image.base.digest="${NODE_DIGEST}" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.created="${CREATED}"
