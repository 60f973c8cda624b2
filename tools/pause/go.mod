module updraft/tools/pause

go 1.26.0
