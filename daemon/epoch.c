/* SPDX-License-Identifier: MIT */
/*
 * epoch.c - the key and the clock that go on over a restart, kill -9 and crash
 * included.  Nothing is written while tcpd runs: the file says where the
 * protocol's clock stood at the start and how fast it goes, so whoever reads
 * it later works out what it shows by now.  Within one start of the machine
 * CLOCK_MONOTONIC tells how long that was, over a reboot the wall clock does.
 *
 * The key is for initial sequence numbers and time stamps alone: everything
 * else that must not be guessed (cookies, ports, tables) has one of its own,
 * new at each start.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/siphash.h"
#include "daemon/daemon.h"
#include "daemon/epoch.h"
#include "daemon/secrets.h"

#define MAGIC	 "tcpdepo1"
#define NOW_MAX	 (UINT64_C(1) << 62)
#define NAME	 "epoch"
#define PATH_LEN (sizeof(((struct conf *)0)->run_dir) + 16)

/* As it lies in the file, which only this machine reads. */
struct image {
	char magic[8];
	struct epoch e;
	uint64_t sum; /* against accidents */
};
static_assert(sizeof(struct image) == 120, "no padding, which nobody sets");

static uint64_t sum_of(const struct image *im)
{
	static const struct siphash_key key;

	return siphash(&key, im, offsetof(struct image, sum));
}

static uint64_t ns_of(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void look_at_clocks(struct epoch_clocks *c)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(c, 0, sizeof(*c));
	if (f) {
		if (!fgets(c->boot, sizeof(c->boot), f))
			c->boot[0] = '\0';
		(void)fclose(f);
	}
	c->mono = ns_of(CLOCK_MONOTONIC);
	c->real = ns_of(CLOCK_REALTIME);
}

/* What the time stamps' clock counts by (conf_settings()). */
static uint64_t ts_ticks(tcpd_time now, uint32_t scale)
{
	return now / (scale * TCPD_MS(1));
}

bool epoch_follow(struct epoch *e, const struct epoch_clocks *now,
		  uint32_t scale)
{
	bool same_boot = e->at.boot[0] && now->mono >= e->at.mono &&
			 memcmp(e->at.boot, now->boot, EPOCH_BOOT) == 0;
	uint64_t passed;

	if (!same_boot && now->real < e->at.real)
		return false;
	passed = same_boot ? now->mono - e->at.mono : now->real - e->at.real;
	if (!e->scale || e->now > NOW_MAX ||
	    passed > (NOW_MAX - e->now) / e->scale)
		return false;
	e->now += passed * e->scale;
	/* time stamps tick by the wall clock whatever the scale is */
	e->ts_base += (uint32_t)(ts_ticks(e->now, e->scale) -
				 ts_ticks(e->now, scale));
	e->scale = scale;
	e->at = *now;
	return true;
}

/* NULL, or why the file is not one that may be trusted. */
static const char *read_file(const char *path, uid_t uid, struct image *im)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *wrong = NULL;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? "it is not there" : strerror(errno);
	if (fstat(fd, &st))
		wrong = strerror(errno);
	else if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		wrong = "it is no plain file of its own";
	else if (st.st_uid != 0 && st.st_uid != uid)
		wrong = "it is somebody else's";
	else if (st.st_mode & 077)
		wrong = "others may read it, expected mode 0600";
	else if (st.st_size != sizeof(*im) ||
		 read(fd, im, sizeof(*im)) != sizeof(*im))
		wrong = "its size is wrong";
	else if (memcmp(im->magic, MAGIC, sizeof(im->magic)) != 0 ||
		 im->sum != sum_of(im))
		wrong = "it is damaged, or of another version";
	close(fd);
	return wrong;
}

static bool sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Whole or not at all, also when the machine stops: a new file, then its name.
 */
static bool write_file(const char *dir, const char *path,
		       const struct image *im)
{
	char new[PATH_LEN];
	bool ok;
	int fd;

	(void)snprintf(new, sizeof(new), "%s/" NAME ".new", dir);
	if (unlink(new) && errno != ENOENT)
		return false;
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		return false;
	ok = fchmod(fd, 0600) == 0 &&
	     write(fd, im, sizeof(*im)) == sizeof(*im) && fsync(fd) == 0;
	close(fd);
	if (!ok || rename(new, path)) {
		unlink(new);
		return false;
	}
	return sync_dir(dir);
}

bool epoch_take(const struct conf *c, const struct privs *p, struct epoch *e)
{
	uint32_t scale = c->time_scale ? c->time_scale : 1;
	struct epoch_clocks clocks;
	struct image im = {.magic = MAGIC};
	char path[PATH_LEN];
	const char *wrong;
	uint32_t was;

	(void)snprintf(path, sizeof(path), "%s/" NAME, c->run_dir);
	look_at_clocks(&clocks);
	wrong = read_file(path, p->uid, &im);
	was = im.e.scale;
	if (!wrong && !epoch_follow(&im.e, &clocks, scale))
		wrong = "the clock went back, or too far";
	if (wrong) {
		if (access(path, F_OK) == 0)
			log_warn("%s: %s: sequence numbers begin anew", path,
				 wrong);
		im.e = (struct epoch){
			.at = clocks, .now = clocks.mono, .scale = scale};
		memcpy(im.magic, MAGIC, sizeof(im.magic));
		if (!secrets_fill(im.e.key, sizeof(im.e.key)))
			return false;
	}
	im.sum = sum_of(&im);
	if (!write_file(c->run_dir, path, &im)) {
		log_warn("%s: %s: the sequence numbers of a tcpd after this "
			 "one will begin anew",
			 path, strerror(errno));
		/* who counts on at the old pace would come out below us */
		if (was != scale)
			(void)unlink(path);
	}
	*e = im.e;
	explicit_bzero(&im, sizeof(im));
	return true;
}
