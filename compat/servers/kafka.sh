#!/bin/sh
# Makes Apache Kafka available below target/servers/kafka: its jars, from Maven Central, and Java to run them. Tests start and
# stop brokers themselves, on loopback ports. Running it again changes nothing. Exit code 0: all is there.
set -e
# Several tests may ask at once.
exec 9> "${TMPDIR:-/tmp}/hekad-servers.lock" && flock -w 300 9 || true

version=4.1.1
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/target/servers/kafka

missing=
command -v java > /dev/null || missing="$missing openjdk-17-jre-headless"
[ -e "$target/$version.done" ] || command -v mvn > /dev/null || missing="$missing maven"
if [ -n "$missing" ]; then
    command -v apt-get > /dev/null || { echo "no apt-get to install$missing with" >&2; exit 1; }
    [ "$(id -u)" = 0 ] || { echo "installing$missing takes root" >&2; exit 1; }
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq > /dev/null
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing > /dev/null
fi

[ -e "$target/$version.done" ] && exit 0
rm -rf "$target"
mkdir -p "$target"
cat > "$target/pom.xml" << POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>hekad</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B -f "$target/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$target/libs" > "$target/mvn.log" 2>&1 ||
    { echo "maven cannot bring Kafka $version, see $target/mvn.log" >&2; exit 1; }
ls "$target/libs/kafka_2.13-$version.jar" > /dev/null
touch "$target/$version.done"
