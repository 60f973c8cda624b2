DROP SCHEMA IF EXISTS {{ ti.xcom_pull("plan")["scratch"] }} CASCADE
