# Reads `nm -A` of objects and prints a pair "USER OWNER" for each symbol that one needs of another.
{ object = $0; sub(/:.*/, "", object); symbol = $NF; type = $(NF - 1) }
type == "T" || type == "D" || type == "B" || type == "R" { owner[symbol] = object }
type == "U" { needed[object, symbol] }
END {
	for (pair in needed) {
		split(pair, part, SUBSEP)
		if (part[2] in owner)
			print part[1], owner[part[2]]
	}
}
