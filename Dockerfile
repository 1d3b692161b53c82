# The image that charts/rollcall runs: a build with the locked dependencies, on a base without a shell.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src ./src
# Test and benchmark targets are declared in Cargo.toml and must be there to be read.
COPY tests ./tests
COPY benches ./benches
RUN cargo build --release --locked --bin rollcall && strip target/release/rollcall

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/rollcall /usr/local/bin/rollcall
COPY LICENSE /licenses/rollcall/LICENSE
# `nonroot` of the base, by number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/rollcall"]
