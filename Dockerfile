# Two stages: the first builds the archive with its own Java runtime, the second only unpacks it.
FROM maven:3.9-eclipse-temurin-25 AS build
WORKDIR /src
COPY pom.xml ./
COPY .mvn .mvn
COPY src src
COPY packaging packaging
COPY docs docs
COPY README.md README.ru.md ARCHITECTURE.md CHANGELOG.md LICENSE SECURITY.md .env.example ./
RUN mvn -B -q -Pdist -Dmaven.test.skip=true package \
 && mkdir /opt/free-llm-proxy && tar -C /opt/free-llm-proxy --strip-components=1 -xzf dist/*.tar.gz

FROM debian:13.2-slim
COPY --from=build /opt/free-llm-proxy /opt/free-llm-proxy
USER 10001:10001
WORKDIR /config
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["/opt/free-llm-proxy/bin/healthcheck"]
ENTRYPOINT ["/opt/free-llm-proxy/bin/free-llm-proxy"]
