# forktax as an image, for amd64 and arm64: docker build --tag forktax .
# Both stages are the same Debian, so what is linked in the one runs in the other.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /source
COPY . .
RUN scripts/setup && make -s install DESTDIR=/image PREFIX=/usr

FROM debian:bookworm-20260918-slim
# libbpf loads the probes; libdw unwinds stacks; Node.js for arm64 needs libatomic.
RUN apt-get update \
	&& apt-get install --yes --no-install-recommends libatomic1 libbpf1 libdw1 libstdc++6 \
	&& rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
COPY --from=build /image/ /
ENV FORKTAX_WEB_LISTEN_ADDRESS=:19435
EXPOSE 19435
# No USER: Docker and Kubernetes give capabilities to root only. Run it with --cap-drop=ALL --cap-add=BPF
# --cap-add=PERFMON, which is what docker-compose.yml does: then root has no other power, and soon not even these.
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m --start-interval=2s CMD ["forktax", "health"]
ENTRYPOINT ["forktax"]
CMD ["serve"]
