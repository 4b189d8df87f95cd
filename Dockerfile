# The image: compiled code and production packages on the official Node 24, running as nobody in particular.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm ci && npm prune --omit=dev --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /holdfast
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY config config
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
# Node itself is process 1: signals reach it.
ENTRYPOINT ["node", "dist/main.js"]
CMD ["start", "--config", "/etc/holdfast/gateway.yaml"]
