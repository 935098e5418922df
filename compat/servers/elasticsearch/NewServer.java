import PACKAGE.common.settings.Settings;
import PACKAGE.node.InternalSettingsPreparer;
import PACKAGE.node.Node;
import PACKAGE.transport.Netty4Plugin;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A node of Elasticsearch 7 or OpenSearch 2 from its jars alone; its arguments are settings, KEY=VALUE. */
public class NewServer extends Node {
    private NewServer(Settings settings) {
        super(
            InternalSettingsPreparer.prepareEnvironment(settings, new HashMap<>(), null, () -> "node"),
            List.of(Netty4Plugin.class),
            false
        );
    }

    public static void main(String[] arguments) throws Exception {
        Settings.Builder settings = Settings.builder();
        for (String argument : arguments) {
            String[] parts = argument.split("=", 2);
            settings.put(parts[0], parts[1]);
        }
        new NewServer(settings.build()).start();
        new CountDownLatch(1).await();
    }
}
