// Hosts of their own on one machine, and the wire between them. Each host is a network namespace
// with one interface, 10.231.0.N, whose other end is this program: it carries packets from one to
// another as it is told to, late, not always, or not at all. What the kernel sees of it is a real
// network; no module of the kernel is needed but tun. All of it ends with this program, which ends
// when its standard input is closed: nothing has a name that anybody would have to remove.
//
//   wire NUMBER SEED EPMD PORT   says "ready PID FD FD ...": /proc/PID/fd/FD is a host's namespace
//   FROM TO DELAY_US LOSS_PPM    from now on, for packets in that direction; says "ok"

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define HOSTS 16
#define SLOTS 4096
#define BYTES 2048

struct packet { int64_t due_us; int length; unsigned char bytes[BYTES]; };

// One direction between two hosts: what is under way, in order, and what becomes of it.
struct way { int64_t delay_us; uint32_t loss_ppm; int first, count; struct packet *packets; };

static struct way ways[HOSTS][HOSTS];
static int tuns[HOSTS], hosts;
static uint64_t dice;

static void check(int outcome, const char *what) {
  if (outcome >= 0) return;
  printf("cannot %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static uint32_t roll(void) {
  dice ^= dice << 13; dice ^= dice >> 7; dice ^= dice << 17;
  return (uint32_t)((dice >> 11) % 1000000);
}

static void address(struct ifreq *request, unsigned long command, int socket, const char *text) {
  struct sockaddr_in *in = (struct sockaddr_in *)&request->ifr_addr;
  memset(in, 0, sizeof *in);
  in->sin_family = AF_INET;
  inet_pton(AF_INET, text, &in->sin_addr);
  check(ioctl(socket, command, request), "set an address");
}

static void up(const char *name, const char *ip) {
  struct ifreq request = {0};
  int socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ip) {
    address(&request, SIOCSIFADDR, socket_fd, ip);
    address(&request, SIOCSIFNETMASK, socket_fd, "255.255.255.0");
  }
  check(ioctl(socket_fd, SIOCGIFFLAGS, &request), "read flags");
  request.ifr_flags |= IFF_UP | IFF_RUNNING;
  check(ioctl(socket_fd, SIOCSIFFLAGS, &request), "bring an interface up");
  close(socket_fd);
}

// The port mapper of a host ends with this program, however that ends.
static void port_mapper(const char *epmd, const char *port) {
  if (fork() != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int nothing = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(nothing, fd);
  unsetenv("ERL_EPMD_ADDRESS");
  execl(epmd, epmd, "-port", port, (char *)0);
  _exit(1);
}

// Leaves this program inside the new namespace.
static int host(int index, const char *epmd, const char *port) {
  char ip[32];
  struct ifreq request = {0};
  check(unshare(CLONE_NEWNET), "make a network namespace (are you root?)");
  int namespace = open("/proc/thread-self/ns/net", O_RDONLY);
  check(namespace, "open the namespace");
  tuns[index] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  check(tuns[index], "open /dev/net/tun");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strcpy(request.ifr_name, "wire");
  check(ioctl(tuns[index], TUNSETIFF, &request), "make an interface");
  snprintf(ip, sizeof ip, "10.231.0.%d", index + 1);
  up("lo", 0);
  up("wire", ip);
  port_mapper(epmd, port);
  return namespace;
}

static void take(int from) {
  unsigned char bytes[BYTES];
  int length;
  while ((length = read(tuns[from], bytes, BYTES)) > 0) {
    int to = length >= 20 && bytes[0] >> 4 == 4 ? bytes[19] - 1 : -1;
    if (to < 0 || to >= hosts) continue;
    struct way *way = &ways[from][to];
    if (way->count == SLOTS || roll() < way->loss_ppm) continue;
    struct packet *packet = &way->packets[(way->first + way->count++) % SLOTS];
    packet->due_us = now_us() + way->delay_us;
    packet->length = length;
    memcpy(packet->bytes, bytes, length);
  }
}

// Gives what is due; says how long until the next, -1 if there is none.
static int64_t give(void) {
  int64_t now = now_us(), next = -1;
  for (int from = 0; from < hosts; from++)
    for (int to = 0; to < hosts; to++) {
      struct way *way = &ways[from][to];
      for (; way->count && way->packets[way->first].due_us <= now; way->count--) {
        struct packet *packet = &way->packets[way->first];
        if (write(tuns[to], packet->bytes, packet->length) < 0) { /* as a full queue anywhere */ }
        way->first = (way->first + 1) % SLOTS;
      }
      if (!way->count) continue;
      int64_t wait = way->packets[way->first].due_us - now;
      if (next < 0 || wait < next) next = wait;
    }
  return next;
}

static void obey(void) {
  static char line[4096];
  static int length;
  int more = read(0, line + length, sizeof line - 1 - length);
  if (more <= 0) exit(0);
  length += more;
  line[length] = 0;
  for (char *end; (end = strchr(line, '\n')); length -= end + 1 - line, memmove(line, end + 1, length + 1)) {
    int from, to;
    long delay_us, loss_ppm;
    if (sscanf(line, "%d %d %ld %ld", &from, &to, &delay_us, &loss_ppm) != 4) exit(2);
    ways[from - 1][to - 1].delay_us = delay_us;
    ways[from - 1][to - 1].loss_ppm = loss_ppm;
    printf("ok\n");
  }
}

int main(int count, char **arguments) {
  int namespaces[HOSTS];
  if (count != 5) return 2;
  setvbuf(stdout, 0, _IOLBF, 0);
  hosts = atoi(arguments[1]);
  dice = strtoull(arguments[2], 0, 10) * 2654435761u + 88172645463325252ull;
  for (int n = 0; n < hosts; n++) namespaces[n] = host(n, arguments[3], arguments[4]);
  for (int from = 0; from < hosts; from++)
    for (int to = 0; to < hosts; to++) ways[from][to].packets = calloc(SLOTS, sizeof(struct packet));
  printf("ready %d", getpid());
  for (int n = 0; n < hosts; n++) printf(" %d", namespaces[n]);
  printf("\n");

  struct pollfd polled[HOSTS + 1];
  for (int n = 0; n <= hosts; n++) polled[n] = (struct pollfd){n < hosts ? tuns[n] : 0, POLLIN, 0};
  for (;;) {
    int64_t wait = give();
    struct timespec timeout = {wait / 1000000, wait % 1000000 * 1000};
    if (ppoll(polled, hosts + 1, wait < 0 ? 0 : &timeout, 0) < 0) continue;
    if (polled[hosts].revents) obey();
    for (int n = 0; n < hosts; n++) if (polled[n].revents & POLLIN) take(n);
  }
}
