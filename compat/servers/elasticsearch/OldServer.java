import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.NodeBuilder;

/** A node of Elasticsearch 2 from its jars alone; its arguments are settings, KEY=VALUE. */
public class OldServer {
    public static void main(String[] arguments) throws Exception {
        Settings.Builder settings = Settings.settingsBuilder();
        for (String argument : arguments) {
            String[] parts = argument.split("=", 2);
            settings.put(parts[0], parts[1]);
        }
        NodeBuilder.nodeBuilder().settings(settings).local(true).node();
        new CountDownLatch(1).await();
    }
}
