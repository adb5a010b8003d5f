/* Which parts of a name vary: by the look of each alone, so that the same name always folds alike. */
#include "proto/fold.h"

static bool alpha(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* Words stay, with one digit at the end too (oauth2, v1); numbers, ids, tokens and addresses do not. */
static bool varies(struct str part)
{
	size_t digits = 0, upper = 0;

	if (part.n > 40)
		return true;
	for (size_t i = 0; i < part.n; i++) {
		char ch = part.p[i];

		if (ch >= '0' && ch <= '9')
			digits++;
		else if (!alpha(ch) && ch != '_' && ch != '-' && ch != '*' && ch != '?' &&
			 ch != '>' && (ch != '$' || i))
			return true;
		else if (ch >= 'A' && ch <= 'Z')
			upper++;
	}
	if (part.n > 16 && upper > 1 && upper < part.n - upper)
		return true;
	return digits > 1 || (digits == 1 && (part.n == 1 || !alpha(part.p[0])));
}

static const bool borders[256] = {
	[':'] = true, ['/'] = true, ['.'] = true, ['|'] = true, ['{'] = true,
	['}'] = true, ['['] = true, [']'] = true, [','] = true,
};

struct str fold_name(struct str name, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n;) {
		struct str part = { name.p + i, 0 };

		while (i < name.n && !borders[(unsigned char)name.p[i]])
			i++;
		part.n = (size_t)(name.p + i - part.p);
		if (varies(part))
			part = STR("{id}");
		if (n + part.n + 4 > FOLD_MAX) {
			memcpy(to + n, "...", 3);
			return (struct str){ to, n + 3 };
		}
		memcpy(to + n, part.p, part.n);
		n += part.n;
		if (i < name.n)
			to[n++] = name.p[i++];
	}
	return (struct str){ to, n };
}
