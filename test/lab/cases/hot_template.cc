/*
 * cause: hot-function
 * cpu: 1.5..2
 * needs: c++
 *
 * C++: templates, inlined into one another; a sort that does not scale takes the time.
 */
#include <cstdlib>
#include <string>
#include <vector>

template <typename T, typename Less>
__attribute__((noinline)) void insertion_sort(std::vector<T> &v, Less less)
{
	for (std::size_t i = 1; i < v.size(); i++)
		for (std::size_t j = i; j && less(v[j], v[j - 1]); j--)
			std::swap(v[j], v[j - 1]);
}

struct Order {
	unsigned key, price;
};

template <typename T> struct ByKey {
	bool operator()(const T &a, const T &b) const
	{
		return a.key < b.key;
	}
};

int main(int argc, char **argv)
{
	srandom(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
	std::size_t n = 500 + random() % 2000;

	for (unsigned long sum = 0;; sum++) {
		std::vector<Order> orders(n);
		std::string text;

		for (auto &o : orders)
			o = { (unsigned)random(), (unsigned)sum };
		insertion_sort(orders, ByKey<Order>());
		for (auto &o : orders)
			text += std::to_string(o.price);
		if (text.empty())
			return 1;
	}
}
