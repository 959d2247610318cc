package io.chasqui.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What Linux's control groups, of version 2 or 1, say of a process: its own group and those around
 * it, for each of them limits it.
 *
 * @param mount where they are mounted: {@code /sys/fs/cgroup}
 * @param memberships the content of {@code /proc/self/cgroup}
 */
record ControlGroup(Path mount, String memberships) {
  /** Number of the hierarchy, controllers (none in version 2), path of the group. */
  private static final Pattern MEMBERSHIP = Pattern.compile("(?m)^\\d+:([^:]*):/(.*)$");

  static ControlGroup ofThisProcess() {
    return new ControlGroup(Path.of("/sys/fs/cgroup"), SystemFile.read("/proc/self/cgroup"));
  }

  /** The contents of a file of version 2 that is there, from the inner group to the outer. */
  List<String> version2(String file) {
    return read("", folder -> SystemFile.read(folder.resolve(file)));
  }

  /** The same of a controller of version 1; files of one group are joined by a space. */
  List<String> version1(String controller, String... files) {
    return read(
        controller,
        folder -> {
          List<String> contents = new ArrayList<>();
          for (String file : files) {
            contents.add(SystemFile.read(folder.resolve(file)).strip());
          }
          return String.join(" ", contents);
        });
  }

  private List<String> read(String controller, Function<Path, String> read) {
    List<String> contents = new ArrayList<>();
    Path outermost = mount.resolve(controller);
    for (Path group = group(controller); group != null; group = group.getParent()) {
      String content = read.apply(group).strip();
      if (!content.isEmpty()) {
        contents.add(content);
      }
      if (group.equals(outermost)) {
        break;
      }
    }
    return contents;
  }

  /** The innermost; a container may be told a path that is not there in its own mount. */
  private Path group(String controller) {
    Matcher membership = MEMBERSHIP.matcher(memberships);
    while (membership.find()) {
      if (List.of(membership.group(1).split(",", -1)).contains(controller)) {
        Path group = mount.resolve(controller).resolve(membership.group(2)).normalize();
        return group.startsWith(mount) ? group : mount.resolve(controller);
      }
    }
    return mount.resolve(controller);
  }
}
