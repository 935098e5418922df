#!/bin/sh
# Makes Elasticsearch 2.4, Elasticsearch 7.17 and OpenSearch 2.19 available on a Debian system: their jars from Maven Central
# below target/servers/elasticsearch, each with a script `start-NAME KEY=VALUE...` that runs a node with these settings.
# Running it again changes nothing. Exit code 0: all are there.
set -e

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/target/servers/elasticsearch
version=1
[ "$(cat "$out/version" 2> /dev/null)" = "$version" ] && exit 0

missing=
command -v javac > /dev/null || missing="$missing openjdk-17-jdk-headless"
command -v mvn > /dev/null || missing="$missing maven"
if [ -n "$missing" ]; then
    command -v apt-get > /dev/null || { echo "no apt-get to install$missing with" >&2; exit 1; }
    [ "$(id -u)" = 0 ] || { echo "installing$missing takes root" >&2; exit 1; }
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq > /dev/null
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing > /dev/null
fi
# The servers run on Java 11 to 17: later ones have no security manager.
java=java
[ -x /usr/lib/jvm/java-17-openjdk-amd64/bin/java ] && java=/usr/lib/jvm/java-17-openjdk-amd64/bin/java

# NAME PACKAGE MAIN GROUP:ARTIFACT:VERSION...
server() {
    name=$1 package=$2 main=$3
    shift 3
    dir=$out/$name
    rm -rf "$dir"
    mkdir -p "$dir/source" "$dir/classes"
    {
        echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        echo "<groupId>local</groupId><artifactId>$name</artifactId><version>1</version><dependencies>"
        for artifact in "$@"; do
            echo "$artifact" | sed 's#\(.*\):\(.*\):\(.*\)#<dependency><groupId>\1</groupId><artifactId>\2</artifactId><version>\3</version></dependency>#'
        done
        echo '</dependencies></project>'
    } > "$dir/pom.xml"
    mvn -q -B -f "$dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/jars" > "$dir/mvn.log" 2>&1 || {
        echo "the jars of $name cannot be had from Maven Central:" >&2
        tail -n 5 "$dir/mvn.log" >&2
        exit 1
    }
    sed "s/PACKAGE/$package/" "$here/elasticsearch/$main.java" > "$dir/source/$main.java"
    "${java}c" -nowarn -cp "$dir/jars/*" -d "$dir/classes" "$dir/source/$main.java" 2> "$dir/javac.log" || {
        cat "$dir/javac.log" >&2
        exit 1
    }
    opens=
    for part in java.lang java.util java.nio sun.nio.ch java.security java.net; do
        opens="$opens --add-opens=java.base/$part=ALL-UNNAMED"
    done
    cat > "$out/start-$name" << END
#!/bin/sh
exec $java -Xms192m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.security.manager=allow $opens \\
    -cp "$dir/classes:$dir/jars/*" $main "\$@"
END
    chmod 755 "$out/start-$name"
}

server elasticsearch2 org.elasticsearch OldServer org.elasticsearch:elasticsearch:2.4.6
server elasticsearch7 org.elasticsearch NewServer org.elasticsearch:elasticsearch:7.17.28 \
    org.elasticsearch.plugin:transport-netty4-client:7.17.28
server opensearch2 org.opensearch NewServer org.opensearch:opensearch:2.19.1 \
    org.opensearch.plugin:transport-netty4-client:2.19.1 org.apache.logging.log4j:log4j-core:2.21.0
echo "$version" > "$out/version"
