FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Without install scripts: the only one fetches a Node, and this image has one.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run -s build

FROM node:24-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates tini \
  && rm -rf /var/lib/apt/lists/* \
  && install -d /etc/healthz \
  && install -d -o node -g node /var/lib/healthz
WORKDIR /opt/healthz
COPY --from=build /build/package.json /build/LICENSE ./
COPY --from=build /build/dist dist
COPY --from=build /build/config config
COPY --from=build /build/locales locales
COPY --from=build /build/config/examples/container.yaml /etc/healthz/healthz.yaml
RUN ln -s /opt/healthz/dist/healthz.js /usr/local/bin/healthz && healthz --version
# By number, so that Kubernetes can tell that it is not root.
USER 1000:1000
ENV HEALTHZ_CONFIG=/etc/healthz/healthz.yaml HEALTHZ_DATA=/var/lib/healthz
WORKDIR /var/lib/healthz
VOLUME /var/lib/healthz
EXPOSE 9180
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["healthz", "probe"]
# tini is process 1: it passes signals on and buries what the checks leave behind.
ENTRYPOINT ["tini", "--", "healthz"]
CMD ["-d"]
